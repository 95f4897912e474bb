"""Speed of the function beside the way of the guide that this project follows, and the bare predictor."""

"""What nuctl and the dashboard of Nuclio's local (Docker) platform do, as far as this project relies on it."""

VERSION = "1.16.3"
ARCHITECTURE = "amd64"
DEFAULT_NAMESPACE = "nuclio"
DEFAULT_PROJECT = "default"
HTTP_PORT = 8080

# Names that the real binaries carry as constants: no setting redirects them to a mirror.
HELPER_IMAGE = "gcr.io/iguazio/alpine:3.20"
HEALTH_CHECK_IMAGE = "quay.io/nuclio/uhttpc:0.0.1-amd64"

# Function states in which Nuclio refuses changes (a killed deploy leaves its function in one of them).
PROVISIONING_STATES = frozenset(
    {
        "waitingForBuild",
        "building",
        "waitingForResourceConfiguration",
        "waitingForScaleResourceFromZero",
        "waitingForScaleResourceToZero",
        "configuringResources",
    }
)

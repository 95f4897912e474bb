#!/bin/sh
# Installs what the function needs into its image. Runs while the image is built; quick when all is there already.
# Environment: PIP_INDEX_URL (packages), TORCH_INDEX_URL (PyTorch; its index decides between CPU and CUDA builds).
# Next to this file may lie ca-certificates.pem: certificate authorities to trust besides the image's own.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

export PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore SAM2_BUILD_CUDA=0
if [ -s "$here/ca-certificates.pem" ]; then
    cat "$here/ca-certificates.pem" >>/etc/ssl/certs/ca-certificates.crt
    export PIP_CERT=/etc/ssl/certs/ca-certificates.crt
fi

# A build of PyTorch for one device carries a local version (2.13.0+cpu), which pip prefers to PyPI's plain 2.13.0.
python -m pip install --index-url "$TORCH_INDEX_URL" --extra-index-url "$PIP_INDEX_URL" \
    --requirement "$here/requirements.txt"
# Without its dependencies (torchvision among them) and without build isolation, which would fetch a second PyTorch.
python -m pip install --no-deps --no-build-isolation --require-hashes --requirement "$here/requirements-sam2.txt"

# Nothing may be missing when the first request comes.
python - <<'PYTHON'
import torch, sam2.build_sam
print("torch", torch.__version__, "CUDA", torch.version.cuda)
PYTHON

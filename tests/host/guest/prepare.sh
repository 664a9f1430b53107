# shellcheck shell=sh
# The first boot of a new disk of the whole host: the engine gets its image, the system does what it does once only, and
# every later machine begins with what this leaves.
: "${IMAGE:?the name of the image}"
docker import image.tar "$IMAGE"
systemctl stop docker.socket docker containerd

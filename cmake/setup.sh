#!/bin/bash
# cmake/setup.sh [TARGET ...]: installs the Debian packages that are missing, configures and builds
# Release in build/. Without targets everything is built. Touches no package when all are there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

missing_packages() {
  local package
  sed 's/#.*//' cmake/packages.txt | while read -r package; do
    [ -z "$package" ] || [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
      echo "$package"
  done
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
}

# The package lists are fetched only when they do not know a package or point to one that is gone.
install_missing() {
  local missing=("$@") package known=true
  echo "setup: installing missing packages: ${missing[*]}"
  for package in "${missing[@]}"; do
    apt-cache policy "$package" | grep -q 'Candidate: [^(]' || known=false
  done
  if $known && install "${missing[@]}"; then return; fi
  as_root apt-get update
  install "${missing[@]}"
}

if ! command -v dpkg-query apt-get >/dev/null; then
  echo "setup: this is not Debian or Ubuntu; have these at hand (cmake/packages.txt) and build with CMake:" >&2
  echo "  cmake --preset release && cmake --build --preset release" >&2
  exit 69
fi
mapfile -t missing < <(missing_packages)
if [ "${#missing[@]}" -gt 0 ]; then
  if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
    echo "setup: missing packages, and neither root nor sudo to install them; as root: apt-get install ${missing[*]}" >&2
    exit 77
  fi
  install_missing "${missing[@]}"
fi

# One compiler takes up to 1.5 GiB.
available_mib=$(awk '/MemAvailable/ {print int($2 / 1024)}' /proc/meminfo)
jobs=$(nproc)
memory_jobs=$((available_mib / 1536))
[ "$memory_jobs" -ge "$jobs" ] || jobs=$((memory_jobs > 0 ? memory_jobs : 1))

cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=Release -Wno-dev --log-level=WARNING
cmake --build build --parallel "$jobs" ${1:+--target "$@"}

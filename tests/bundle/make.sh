#!/bin/bash
# tests/bundle/make.sh BUILD VERSION TESTS FOLDER: a bundle, quickly packed, and unpacked as
# FOLDER/moved, a name it was not packed under.
set -euo pipefail
rm -rf "$4"
mkdir -p "$4"
"$(dirname "${BASH_SOURCE[0]}")/../../cmake/bundle.sh" "$1" "$2" "$3" "$4/bundle.tar.zst" 3
tar --extract --zstd --file "$4/bundle.tar.zst" --directory "$4"
rm "$4/bundle.tar.zst"
mv "$4"/hadal-* "$4/moved"

#!/bin/bash
# cmake/bundle.sh BUILD VERSION TESTS OUT [LEVEL]: what `cmake --build build --target bundle` runs.
# Packs OUT, a .tar.zst: the program and the plug-ins of the folder BUILD, the test programs that
# TESTS names (a line each: label, path), every shared library they want except glibc's and CUDA's,
# Open MPI with its plug-ins, the specs, and the licences of all of it. Everything finds its
# libraries by its own place, so the bundle may lie anywhere. LEVEL is zstd's.
#
#   bin/      hadal; mpirun and orted, which tell Open MPI where it lies and start those of libexec/
#   lib/      libraries; openmpi3/ and pmix/ hold plug-ins
#   tests/    run, and what it runs
set -euo pipefail

build=$(realpath "$1") version=$2 tests=$3 out=$4 level=${5:-10}
source=$(realpath "$(dirname "${BASH_SOURCE[0]}")/..")
most_bytes=60000000

for tool in patchelf zstd ldd strip dpkg-query; do
  command -v "$tool" >/dev/null ||
    { echo "bundle: $tool is missing: apt-get install patchelf zstd binutils" >&2; exit 69; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
name=hadal-$version-linux-x86_64
root=$work/$name
mkdir -p "$root"/{bin,lib/openmpi3,lib/pmix,libexec,etc,share,tests,licences}

# ---- our own
take_program() { # FROM TO
  cp -L "$1" "$2" && strip --strip-unneeded "$2"
}
take_program "$build/hadal" "$root/bin/hadal"
for plugin in libhadal_cuda.so libhadal_nccl.so; do
  [ ! -e "$build/$plugin" ] || take_program "$build/$plugin" "$root/lib/$plugin"
done
while read -r label path; do
  take_program "$path" "$root/tests/$(basename "$path")"
  [ "$label" = - ] || echo "$label $(basename "$path")"
done <"$tests" >"$root/tests/list.txt"
install -m 755 "$source/tests/bundle/run" "$root/tests/run"
mkdir -p "$root/tests/gpu" "$root/tests/golden"
cp "$source"/tests/gpu/{run.sh,train.textproto} "$root/tests/gpu"
cp "$source"/tests/golden/* "$root/tests/golden"
(cd "$source" && find experiments -name '*.textproto' -exec cp --parents {} "$root" \;)
cp "$source/README.md" "$source/LICENSE" "$root"

# ---- Open MPI, and PMIx beneath it. Where it lies, it says itself.
mpi_place() { ompi_info --path "$1" --parsable | cut -d: -f3; }
libraries_of() { readelf -d "$@" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'; }
for plugin in "$(mpi_place pkglibdir)"/*.so; do
  # OpenSHMEM is not used; PSM's libraries serve no network of today.
  libraries_of "$plugin" | grep -q 'liboshmem\|libpsm' || cp -L "$plugin" "$root/lib/openmpi3"
done
cp -rL "$(mpi_place pkgdatadir)" "$root/share/openmpi"
rm -f "$root"/share/openmpi/*wrapper-data.txt
cp -L "$(mpi_place sysconfdir)/openmpi-mca-params.conf" "$root/etc"
cat >>"$root/etc/openmpi-mca-params.conf" <<'CONF'
# Plug-ins for InfiniBand and its like (UCX, libfabric, verbs) use the machine's own libraries,
# which fit its drivers; where there are none, that is no news.
mca_base_component_show_load_errors = 0
CONF
pmix=$(ldd "$root/lib/openmpi3/mca_pmix_ext3x.so" | awk '$1 ~ /^libpmix/ {print $3}')
pmix=$(dirname "$(realpath "$pmix")")
[ -d "$pmix/pmix" ] || pmix=$pmix/pmix2/lib
cp -L "$pmix"/pmix/*.so "$root/lib/pmix"
cp -rL "$pmix/../share/pmix" "$root/share/pmix"
for program in orterun orted; do cp -L "$(mpi_place bindir)/$program" "$root/libexec"; done
mv "$root/libexec/orterun" "$root/libexec/mpirun"
for program in mpirun orted; do
  cat >"$root/bin/$program" <<'SH'
#!/bin/sh
# Open MPI asks its environment where it lies.
self=$(readlink -f -- "$0")
OPAL_PREFIX=${self%/bin/*}
OPAL_LIBDIR=$OPAL_PREFIX/lib
OPAL_SYSCONFDIR=$OPAL_PREFIX/etc
PMIX_LIBDIR=$OPAL_PREFIX/lib
PMIX_DATADIR=$OPAL_PREFIX/share
HWLOC_PLUGINS_PATH=$OPAL_PREFIX/lib/hwloc
export OPAL_PREFIX OPAL_LIBDIR OPAL_SYSCONFDIR PMIX_LIBDIR PMIX_DATADIR HWLOC_PLUGINS_PATH
# Without ssh there is no other machine to start ranks on, and Open MPI would not start at all.
command -v ssh >/dev/null || command -v rsh >/dev/null || export OMPI_MCA_plm=isolated
exec "$OPAL_PREFIX/libexec/${self##*/}" "$@"
SH
  chmod 755 "$root/bin/$program"
done

# ---- what all of them want
elves() { find "$root/bin/hadal" "$root/lib" "$root/libexec" "$root/tests" -type f \
  \( -name '*.so*' -o -perm -u+x \) ! -name run ! -name '*.sh'; }
glibc=$(dpkg-query -L libc6 | sed -n 's|.*/\([^/]*\.so[^/]*\)$|\1|p')
left_out() { # NAME: of glibc, of CUDA, of a fabric (see above)
  case $1 in
    libcud* | libcublas* | libcusolver* | libnccl* | libnvrtc* | libnvJitLink*) true ;;
    libibverbs* | librdmacm* | libfabric* | libuc[mpst].*) true ;;
    libmca_common_* | libmpi* | libopen-*) false ;;
    *) grep -qxF "$1" <<<"$glibc" ;;
  esac
}
# Files of Debian from which something was taken; their packages' licences come along.
taken=$work/taken
realpath "$(mpi_place pkglibdir)/mca_pml_ob1.so" "$(mpi_place bindir)/orterun" \
  "$(mpi_place pkgdatadir)/help-mpi-runtime.txt" "$pmix/pmix/pmix_mca_pcompress_zlib.so" >"$taken"
# Each file's own libraries; those of fabrics lead to nothing, for ldd is asked without them.
elves | xargs ldd 2>/dev/null | awk '$2 == "=>" && $3 ~ /^\// {print $1, $3}' | sort -u |
  while read -r library path; do
    left_out "$library" && continue
    echo "$library $path"
  done >"$work/libraries"
wanted() { # every library that something in the bundle names, directly
  mapfile -t all < <(elves)
  libraries_of "${all[@]}" | sort -u
}
# Only what is named by something taken: a library that merely a fabric's library names stays.
while :; do
  new=0
  for library in $(wanted); do
    [ -e "$root/lib/$library" ] || left_out "$library" && continue
    path=$(awk -v library="$library" '$1 == library {print $2; exit}' "$work/libraries")
    [ -n "$path" ] || { echo "bundle: $library is wanted and not found" >&2; exit 1; }
    cp -L "$path" "$root/lib/$library"
    chmod 644 "$root/lib/$library"
    realpath "$path" >>"$taken"
    new=1
  done
  [ $new = 1 ] || break
done

# RPATH, not RUNPATH: another Open MPI in LD_LIBRARY_PATH must not come first.
elves | while read -r elf; do
  up=$(realpath --relative-to "$(dirname "$elf")" "$root/lib")
  patchelf --force-rpath --set-rpath "\$ORIGIN/$up" "$elf"
done

# ---- licences: of what was copied, and of what was compiled in
# dpkg knows some files by the name from before /usr was merged.
{ sed 'p; s|^/usr||' "$taken" | sort -u | { xargs dpkg-query -S 2>/dev/null || true; } | sed 's/:.*//'
  printf '%s\n' libboost1.74-dev libcli11-dev libgmock-dev libgtest-dev libjs-chart.js \
    librandom123-dev nlohmann-json3-dev; } | sort -u | while read -r package; do
  cp -L "/usr/share/doc/$package/copyright" "$root/licences/$package"
  dpkg-query -W -f='${Package} ${Version} (source: ${source:Package} ${source:Version})\n' "$package"
done | sort -u >"$root/licences/packages.txt"
for text in $(cat "$root"/licences/* | grep -o '/usr/share/common-licenses/[A-Za-z0-9.-]*[A-Za-z0-9]' |
    sort -u); do
  [ ! -e "$text" ] || cp -L "$text" "$root/licences/$(basename "$text").txt"
done

mkdir -p "$(dirname "$out")"
tar --create --directory "$work" --sort=name --owner=0 --group=0 --numeric-owner "$name" |
  zstd -q -f "-$level" --long=27 -T0 -o "$out"
bytes=$(stat -c %s "$out")
echo "$out: $bytes bytes, $(du -sm "$root" | cut -f1) MiB unpacked, $(find "$root" -type f | wc -l) files"
[ "$bytes" -le "$most_bytes" ] ||
  { echo "bundle: $out has $bytes bytes, wanted at most $most_bytes" >&2; exit 1; }

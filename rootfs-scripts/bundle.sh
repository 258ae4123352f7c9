#!/bin/sh
# Makes one file of all that provision.sh would download, for rooms without internet: us, what `npm ci` installs, and
# the Debian packages. It is a tar of files that are compressed already, the first of which, MANIFEST, has their sums.
set -eu
umask 022

usage() {
  cat <<'END'
usage: bundle.sh [--arch ARCH] [--suites 'SUITE …'] [FILE]

  --arch ARCH      amd64 or arm64 (Apple Silicon); this machine's unless said
  --suites SUITES  Debian's bookworm and trixie unless said; Ubuntu's jammy and noble are known, too; '' for none
  FILE             toolkit-ARCH.bundle beside package.json unless said, where the Vagrantfile finds it

Runs on Debian and Ubuntu, also in the virtual machine itself, and needs no root. What npm's cache has already is taken
from there. DEBIAN_MIRROR, UBUNTU_MIRROR and NPM_CONFIG_REGISTRY name other servers.
END
}

say() { echo "bundle.sh: $*" >&2; }

fail() {
  say "$*"
  exit 1
}

here=$(dirname "$(readlink -f -- "$0")")
top=$(dirname "$here")
# shellcheck source=rootfs-scripts/shared.sh
. "$here/shared.sh"

arch=$(dpkg --print-architecture 2>/dev/null) || fail 'needs Debian or Ubuntu (dpkg and apt-get)'
suites='bookworm trixie'
file=''
while [ $# -gt 0 ]; do
  case $1 in
    --arch | --suites)
      [ $# -ge 2 ] || fail "$1 needs a value; see --help"
      if [ "$1" = --arch ]; then arch=$2; else suites=$2; fi
      shift
      ;;
    -h | --help)
      usage
      exit 0
      ;;
    -*) fail "no such option: $1; see --help" ;;
    *)
      [ -z "$file" ] || fail "one file, not two: $file, $1"
      file=$1
      ;;
  esac
  shift
done
case $arch in
  amd64) cpu=x64 ;;
  arm64) cpu=arm64 ;;
  *) fail "toolkit runs on amd64 and arm64, not on $arch" ;;
esac
file=$(readlink -m -- "${file:-$top/toolkit-$arch.bundle}")
work=$(mktemp -d "${file%/*}/.toolkit-bundle-XXXXXX") || fail "cannot write to ${file%/*}"
trap 'rm -rf "$work"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

source_of_packages() {
  case $1 in
    bionic | focal | jammy | noble | questing | resolute)
      keyring=/usr/share/keyrings/ubuntu-archive-keyring.gpg remedy='make this bundle on Ubuntu'
      mirror=http://archive.ubuntu.com/ubuntu
      [ "$arch" = amd64 ] || mirror=http://ports.ubuntu.com/ubuntu-ports
      mirror=${UBUNTU_MIRROR:-$mirror}
      lines="$1 $1-updates $1-security" components='main universe' security=$mirror
      ;;
    *)
      keyring=/usr/share/keyrings/debian-archive-keyring.gpg
      remedy='type: sudo apt-get install debian-archive-keyring'
      mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
      lines="$1 $1-updates $1-security" components=main security=$mirror-security
      ;;
  esac
  [ -r "$keyring" ] || fail "$1: there is no $keyring; $remedy"
  for line in $lines; do
    case $line in *-security) from=$security ;; *) from=$mirror ;; esac
    echo "deb [arch=$arch signed-by=$keyring] $from $line $components"
  done
}

# All packages that ours depend on, down to the C library, so that they fit into any machine of that suite: apt is told
# that nothing is installed.
debian_packages() {
  apt=$work/apt/$1 pool=$work/bundle/debian/$1
  mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$pool"
  : >"$apt/status"
  source_of_packages "$1" >"$apt/sources.list"
  set -- -qq -o "APT::Architecture=$arch" -o "APT::Architectures=$arch" -o APT::Sandbox::User=root \
    -o "Dir::State=$apt" -o "Dir::State::lists=$apt/lists" -o "Dir::State::status=$apt/status" -o "Dir::Cache=$apt/cache" \
    -o "Dir::Etc::sourcelist=$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
    -o Acquire::Languages=none -o Acquire::Retries=3 -o Debug::NoLocking=1
  for pair in $PROGRAMS; do echo "${pair#*:}"; done >"$apt/names"
  { apt-get "$@" update && xargs apt-get "$@" install -y --no-install-recommends --download-only busybox-static \
    <"$apt/names"; } >"$apt/log" 2>&1 || fail "${pool##*/}: $(grep -m 1 '^E:' "$apt/log" || tail -n 1 "$apt/log")"
  mv "$apt"/cache/archives/*.deb "$pool/"
  # the index of a repository, as dpkg-scanpackages makes it
  for deb in "$pool"/*.deb; do
    dpkg-deb -f "$deb"
    echo "Filename: ./${deb##*/}"
    echo "Size: $(stat -c %s "$deb")"
    echo "SHA256: $(sha256sum <"$deb" | cut -d ' ' -f 1)"
    echo
  done >"$pool/Packages"
}

mkdir -p "$work/bundle/npm/_cacache" "$work/bundle/source"
say "for $arch${suites:+, $suites}"
sources "$top" | tr '\n' '\0' | tar -C "$top" --null -T - -cf - | tar -C "$work/bundle/source" -xf -

npm_packages "$top/package-lock.json" "$cpu" >"$work/npm"
cache=${npm_config_cache:-$HOME/.npm}/_cacache
while read -r path sum _; do
  { [ -f "$cache/$path" ] && echo "$sum  $cache/$path" | sha512sum -c --status; } || continue
  mkdir -p "$work/bundle/npm/_cacache/${path%/*}"
  cp "$cache/$path" "$work/bundle/npm/_cacache/$path"
done <"$work/npm"
npm_fetch "$work/bundle/npm/_cacache" <"$work/npm" || fail 'cannot download all that npm ci needs; run this again with a network'

for suite in $suites; do debian_packages "$suite"; done

cd "$work/bundle"
find debian npm source -type f 2>/dev/null | LC_ALL=C sort >"$work/files"
{
  echo 'toolkit bundle 1'
  echo "architecture $arch"
  echo "suites $suites"
  echo "source $(digest source)"
  echo "files $(wc -l <"$work/files")"
  sums . <"$work/files"
} >MANIFEST
# shellcheck disable=SC2046 # MANIFEST first, then what there is
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -cf "$work/finished" MANIFEST $(ls -d debian npm source 2>/dev/null)
mv "$work/finished" "$file"
say "made $file, $(($(stat -c %s "$file") / 1000000)) MB"

#!/bin/sh
# Makes a bare Debian or Ubuntu machine one where the course runs: `toolkit` in /opt/toolkit and on PATH, its packages,
# its root file system, and a learner who is in the course at each login. Run it again at any time: it does what is
# missing, and where nothing is, it says so and changes nothing.
set -eu
umask 022
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

usage() {
  cat <<'END'
usage: sudo sh provision.sh [--bundle FILE] [--learner NAME] [--no-learner]

  --bundle FILE    take all from this file (see bundle.sh) and nothing from the network; $TOOLKIT_BUNDLE says the same.
                   A toolkit-amd64.bundle or toolkit-arm64.bundle beside this script or its checkout is found.
  --learner NAME   who is to be in the course at login, and may start it as root without a password; the user who has
                   called sudo unless said
  --no-learner     nobody is
END
}

say() { echo "provision.sh: $*" >&2; }

fail() {
  say "$*"
  exit 1
}

here=$(dirname "$(readlink -f -- "$0")")
top=$(dirname "$here")
[ -f "$top/package-lock.json" ] && [ -f "$here/steps.sh" ] || top='' # this script alone, beside a bundle

bundle=${TOOLKIT_BUNDLE:-} learner=${SUDO_USER:-}
[ "$learner" != root ] || learner=''
while [ $# -gt 0 ]; do
  case $1 in
    --bundle | --learner)
      [ -n "${2:-}" ] || fail "$1 needs a value; see --help"
      if [ "$1" = --bundle ]; then bundle=$2; else learner=$2; fi
      shift
      ;;
    --no-learner) learner='' ;;
    -h | --help)
      usage
      exit 0
      ;;
    *) fail "no such option: $1; see --help" ;;
  esac
  shift
done

[ "$(id -u)" = 0 ] || fail 'needs root; type: sudo sh provision.sh'
if ! arch=$(dpkg --print-architecture 2>/dev/null) || ! command -v apt-get >/dev/null; then
  fail 'this is neither Debian nor Ubuntu (no dpkg and apt-get); see "Start" in README.md for others'
fi
case $arch in
  amd64) cpu=x64 ;;
  arm64) cpu=arm64 ;;
  *) fail "toolkit runs on amd64 and arm64, not on $arch" ;;
esac
if [ -n "$learner" ]; then
  id "$learner" >/dev/null 2>&1 || fail "there is no user $learner; type: sudo adduser $learner"
  case $learner in *[!A-Za-z0-9_-]*) fail "the name $learner has letters that sudo's rules do not take" ;; esac
fi
if [ -z "$bundle" ]; then
  for found in "$here/toolkit-$arch.bundle" ${top:+"$top/toolkit-$arch.bundle"}; do
    [ ! -f "$found" ] || bundle=$found
  done
fi
[ -z "$bundle" ] || [ -r "$bundle" ] || fail "cannot read the bundle $bundle"
[ -z "$bundle" ] || bundle=$(readlink -f -- "$bundle")
[ -n "$top$bundle" ] || fail 'this script needs the checkout that it is from, or a bundle beside it (see bundle.sh)'

prefix=/opt/toolkit
state=${TOOLKIT_STATE:-/var/lib/toolkit}
rootfs=$state/rootfs/busybox
work='' child='' changed=''

clean_up() {
  trap '' HUP INT TERM
  if [ -n "$child" ]; then
    kill -- "-$child" 2>/dev/null || : # with all that it has started
    wait "$child" || :
  fi
  [ -z "$work" ] || rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# One at a time. The lock is this process's: no child gets it.
exec 9>/run/lock/toolkit-provision
if ! flock -n 9; then
  say 'another run is at work; waiting for it, at most half an hour'
  flock -w 1800 9 || fail 'the other run does not end; see: ps -ef | grep provision.sh'
fi
mkdir -p "${prefix%/*}"
for left in "${prefix%/*}"/.toolkit-provision-*; do rm -rf "$left" 2>/dev/null || :; done # of a killed run
work=$(mktemp -d "${prefix%/*}/.toolkit-provision-XXXXXX")

# Runs a command that says nothing unless it fails. A shell acts on a signal only while it waits for the background.
quietly() {
  setsid "$@" >"$work/log" 2>&1 9>&- </dev/null &
  child=$!
  wait "$child" && status=0 || status=$?
  child=''
  [ "$status" = 0 ] || tail -n 15 "$work/log" | sed 's/^/  /' >&2
  return "$status"
}

did() {
  changed=yes
  say "$*"
}

damaged() { fail "the bundle $bundle is damaged ($*); copy it again, or make it anew with bundle.sh"; }

# Unpacks the bundle into $work/bundle, once, and holds every file against its sum.
open_bundle() {
  [ ! -d "$work/bundle" ] || return 0
  mkdir "$work/bundle"
  say "unpacking $bundle"
  quietly tar -xf "$bundle" -C "$work/bundle" || damaged 'not a whole tar file'
  cd "$work/bundle"
  [ "$(head -n 1 MANIFEST 2>/dev/null)" = 'toolkit bundle 1' ] || damaged 'it has no list of its files'
  [ "$(listed architecture)" = "$arch" ] || fail "the bundle $bundle is for $(listed architecture), this machine is $arch"
  sed -n '/^[0-9a-f]\{64\}  /p' MANIFEST >"$work/sums"
  [ "$(listed files)" = "$(wc -l <"$work/sums")" ] || damaged 'its list of files is not whole'
  sha256sum -c --quiet "$work/sums" >"$work/log" 2>/dev/null || damaged "$(head -n 1 "$work/log")"
  cd /
}

listed() { sed -n "s/^$1 //p" "$work/bundle/MANIFEST"; }

if [ -z "$top" ]; then
  open_bundle
  here=$work/bundle/source/rootfs-scripts top=$work/bundle/source
  [ -f "$here/steps.sh" ] || damaged 'toolkit itself is not in it'
fi
# shellcheck source=rootfs-scripts/shared.sh
. "$here/shared.sh"
# shellcheck source=rootfs-scripts/steps.sh
. "$here/steps.sh"
wanted_digest=$(digest "$top")
packages
build
root_file_system
command_on_path
login
if ! "$prefix/bin/toolkit" doctor >"$work/doctor" 2>&1; then
  grep -v '^  [✓?]' "$work/doctor" >&2 || :
  fail 'all is installed, but this machine cannot make containers; see above'
fi
[ -n "$changed" ] || say 'nothing to do: all is there already'
say "$(tail -n 1 "$work/doctor")${learner:+ $learner is in the course at login.} To open it: sudo toolkit learn"

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
[ -f "$top/package-lock.json" ] && [ -f "$here/shared.sh" ] || top='' # this script alone, beside a bundle

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
  [ -f "$here/shared.sh" ] || damaged 'toolkit itself is not in it'
fi
# shellcheck source=rootfs-scripts/shared.sh
. "$here/shared.sh"

# ---- packages

apt() { quietly env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get -o DPkg::Lock::Timeout=300 "$@"; }

# install_packages LIST OPTION…
install_packages() {
  list=$1
  shift
  apt "$@" update || return 1
  # shellcheck disable=SC2086 # words
  apt "$@" install -y --no-install-recommends --no-remove $list
}

packages() {
  wanted=''
  for pair in $PROGRAMS; do
    command -v "${pair%%:*}" >/dev/null || wanted="$wanted ${pair#*:}"
  done
  # Who comes without a bundle fetches npm and Node as well
  [ -n "$bundle" ] || is_built || command -v curl >/dev/null || command -v wget >/dev/null ||
    wanted="$wanted curl ca-certificates"
  [ -n "$wanted" ] || return 0
  say "installing$wanted"
  [ -z "$(dpkg --audit)" ] || quietly dpkg --configure -a || fail 'dpkg was interrupted once, and cannot go on'
  if [ -n "$bundle" ]; then
    suite_in_bundle
    echo "deb [trusted=yes] file:$pool ./" >"$work/sources.list"
    mkdir -p "$work/lists/partial"
    install_packages "$wanted" -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=/dev/null \
      -o "Dir::State::lists=$work/lists" -o APT::Sandbox::User=root || fail "cannot install$wanted from the bundle"
  else
    install_packages "$wanted" ||
      fail "cannot install$wanted; run this again with a network, or with a bundle (see bundle.sh)"
  fi
  did "installed$wanted"
}

# Sets pool: the directory of the bundle with the packages for this machine.
suite_in_bundle() {
  open_bundle
  suite=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
  pool=$work/bundle/debian/$suite
  [ -d "$pool" ] || fail "the bundle $bundle has packages for: $(listed suites); this machine is $suite; make another" \
    "with: bundle.sh --suites $suite"
}

# ---- toolkit

is_built() { [ -x "$prefix/bin/toolkit" ] && [ "$(cat "$prefix/.provisioned" 2>/dev/null)" = "$wanted_digest" ]; }

build() {
  if is_built; then return 0; fi
  cache=$work/npm/_cacache offline=''
  npm_packages "$top/package-lock.json" "$cpu" >"$work/packages"
  if [ -n "$bundle" ]; then
    open_bundle
    cache=$work/bundle/npm/_cacache offline=--offline
    while read -r path _; do
      [ -f "$cache/$path" ] || fail "the bundle $bundle was made from another package-lock.json; make it anew: bundle.sh"
    done <"$work/packages"
  else
    say 'downloading Node and npm, about 55 MB'
    grep -E '/(npm|node-linux-[a-z0-9]*)/-/' "$work/packages" | npm_fetch "$cache" ||
      fail 'cannot download them; run this again with a network, or with a bundle (see bundle.sh)'
  fi
  mkdir "$work/node" "$work/npm-cli" "$work/home" "$work/toolkit"
  tar -xzf "$cache/$(sed -n 's, .*/node-linux-[a-z0-9]*/-/.*,,p' "$work/packages")" -C "$work/node" --strip-components 1
  tar -xzf "$cache/$(sed -n 's, .*/npm/-/.*,,p' "$work/packages")" -C "$work/npm-cli" --strip-components 1
  "$work/node/bin/node" --version >"$work/log" 2>&1 || fail "Node does not run here: $(head -n 1 "$work/log")"
  sources "$top" | tr '\n' '\0' | tar -C "$top" --null -T - -cf - | tar -C "$work/toolkit" --no-same-owner -xf -
  say 'building toolkit (npm ci)'
  cd "$work/toolkit"
  npm_addresses "$top/package-lock.json" >package-lock.json
  quietly env "PATH=$work/node/bin:$PATH" "HOME=$work/home" "$work/node/bin/node" "$work/npm-cli/bin/npm-cli.js" ci \
    $offline --cache "${cache%/_cacache}" --no-update-notifier || fail 'npm ci has failed; see above'
  cp "$top/package-lock.json" package-lock.json
  [ -f dist/toolkit.cjs ] || fail 'npm ci has built nothing'
  echo "$wanted_digest" >.provisioned
  cd /
  # Two renames: whoever is between them finds nothing for a moment, and a run that dies there is made good by the next.
  trap '' HUP INT TERM
  rm -rf "$prefix.old"
  [ ! -e "$prefix" ] || mv -T "$prefix" "$prefix.old"
  mv -T "$work/toolkit" "$prefix"
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  rm -rf "$prefix.old"
  did "installed toolkit in $prefix"
}

# ---- its root file system

# Debian's static busybox is not installed: it would take the place of the one that the machine starts with.
root_file_system() {
  [ ! -e "$rootfs/bin/busybox" ] || return 0
  static=${BUSYBOX:-}
  if [ -z "$static" ] && [ -n "$bundle" ] && ! "$here/busybox.sh" --find >/dev/null; then
    suite_in_bundle
    dpkg-deb -x "$(find "$pool" -name 'busybox-static_*.deb' | head -n 1)" "$work/busybox"
    static=$(find "$work/busybox" -path '*bin/busybox')
  fi
  quietly env "BUSYBOX=$static" "$here/busybox.sh" "$rootfs" || fail "cannot make $rootfs"
  did "made $rootfs"
}

# ---- files

# put FILE MODE: writes stdin to FILE where it is something else.
put() {
  cat >"$work/put"
  if cmp -s "$work/put" "$1"; then return 0; fi
  mkdir -p "${1%/*}"
  install -m "$2" "$work/put" "$1.toolkit-new" # sudo reads no rules from a name with a dot, a shell no such profile
  mv "$1.toolkit-new" "$1"
  did "wrote $1"
}

remove() {
  [ -e "$1" ] || return 0
  rm "$1"
  did "removed $1"
}

command_on_path() {
  [ "$(readlink /usr/local/bin/toolkit)" != "$prefix/bin/toolkit" ] || return 0
  mkdir -p /usr/local/bin
  ln -sfn "$prefix/bin/toolkit" /usr/local/bin/toolkit
  did 'linked /usr/local/bin/toolkit'
}

login() {
  if [ -z "$learner" ]; then
    remove /etc/profile.d/toolkit.sh
    remove /etc/sudoers.d/toolkit
    return 0
  fi
  put /etc/sudoers.d/toolkit 440 <<END
# The course needs root: whoever may start it is root, and needs no password for that.
$learner ALL=(root) NOPASSWD: /usr/local/bin/toolkit
END
  sed "s/LEARNER/$learner/" "$here/login.sh" | put /etc/profile.d/toolkit.sh 644
}

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

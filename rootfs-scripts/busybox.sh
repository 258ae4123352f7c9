#!/bin/sh
# Makes a root file system in DIR from a static busybox: one program that needs no library, under the names of about
# 270 commands. A second run finds DIR complete and changes nothing.
set -eu
umask 022

usage() {
  cat <<'END'
usage: busybox.sh DIR      make a root file system in DIR
       busybox.sh --find   print the static busybox of this machine; exit code 1 where there is none

The busybox is $BUSYBOX where that is set, else the one on PATH if it is static, else the one in Debian's package
busybox-static, which is downloaded and unpacked, but not installed.
END
}

say() { echo "busybox.sh: $*" >&2; }

fail() {
  say "$*"
  exit 1
}

work=''  # a directory near DIR for everything that is unfinished
child='' # what we wait for

clean_up() {
  trap '' HUP INT TERM
  if [ -n "$child" ]; then
    kill "$child" 2>/dev/null || :
    wait "$child" || :
  fi
  [ -z "$work" ] || rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# The shell acts on a signal while it waits for a background process, but not while it runs one in the foreground.
interruptible() {
  "$@" &
  child=$!
  wait "$child" && status=0 || status=$?
  child=''
  return "$status"
}

# number FILE OFFSET BYTES
number() { od -An -v -t "u$3" -j "$2" -N "$3" "$1" | tr -d ' '; }

# A dynamic program names its loader in a program header of type 3 (PT_INTERP in elf(5)).
is_static() {
  [ -f "$1" ] && [ -x "$1" ] && [ "$(od -An -v -t x1 -N 5 "$1" | tr -d ' ')" = 7f454c4602 ] || return 1
  header=$(number "$1" 32 8) size=$(number "$1" 54 2) left=$(number "$1" 56 2)
  while [ "$left" -gt 0 ]; do
    [ "$(number "$1" "$header" 4)" != 3 ] || return 1
    header=$((header + size)) left=$((left - 1))
  done
}

# Sets busybox.
find_busybox() {
  if [ -n "${BUSYBOX:-}" ]; then
    is_static "$BUSYBOX" || fail "BUSYBOX=$BUSYBOX is not a static 64 bit program"
    busybox=$BUSYBOX
  else
    busybox=$(command -v busybox) && is_static "$busybox"
  fi
}

apt() { cd "$temp" && exec apt-get -qq -o Acquire::Retries=1 -o Acquire::http::Timeout=20 "$@" >>apt.log 2>&1; }

# The machine's package lists may be missing or too old. Then we read fresh ones, into a directory of our own.
download() {
  elsewhere="get https://packages.debian.org/stable/busybox-static elsewhere, unpack it with 'dpkg-deb -x FILE.deb x' \
and say: BUSYBOX=x/bin/busybox $0 DIR"
  for tool in apt-get dpkg-deb; do
    command -v "$tool" >/dev/null || fail "this machine has no static busybox, and no $tool to get Debian's;" \
      "install one (apk add busybox-static, dnf install busybox), or $elsewhere"
  done
  say "downloading Debian's package busybox-static, about 1 MB"
  temp=$work/download
  mkdir -p "$temp/lists/partial" "$temp/cache/archives/partial"
  if [ "$(id -u)" = 0 ] && id _apt >/dev/null 2>&1; then chown -R _apt "$temp"; fi # apt-get downloads as this user
  if ! interruptible apt download busybox-static; then
    set -- -o "Dir::State::lists=$temp/lists" -o "Dir::Cache=$temp/cache"
    if ! interruptible apt "$@" update || ! interruptible apt "$@" download busybox-static; then
      why=$(grep -m 1 'Failed to fetch' "$temp/apt.log" || tail -n 1 "$temp/apt.log")
      fail "cannot download busybox-static (${why#[EW]: }); run this again with a network, or $elsewhere"
    fi
  fi
  interruptible dpkg-deb -x "$temp"/busybox-static_*.deb "$temp/package" || fail "cannot unpack busybox-static"
  busybox=$temp/package/bin/busybox
  [ -f "$busybox" ] || busybox=$temp/package/usr/bin/busybox
  is_static "$busybox" || fail "the busybox in the package busybox-static is not a static 64 bit program"
}

directories='bin dev etc proc root run sbin sys tmp usr/bin usr/sbin var'
files='etc/group etc/hostname etc/hosts etc/passwd etc/resolv.conf'

# Whether $1 is what we make.
is_complete() {
  is_static "$1/bin/busybox" && [ -h "$1/bin/sh" ] || return 1
  for path in $directories; do [ -d "$1/$path" ] || return 1; done
  for path in $files; do [ -f "$1/$path" ] || return 1; done
}

is_free() { if [ -d "$1" ]; then [ -z "$(ls -A "$1")" ]; else [ ! -e "$1" ]; fi; }

fill() {
  root=$work/root
  mkdir "$root"
  for path in $directories; do mkdir -p "$root/$path"; done
  chmod 700 "$root/root"
  chmod 1777 "$root/tmp"
  cp "$busybox" "$root/bin/busybox"
  chmod 755 "$root/bin/busybox"
  "$root/bin/busybox" --list-full >"$work/applets" || fail "cannot run $busybox"
  while read -r path; do
    case $path in
      bin/busybox) ;;
      bin/*) ln -s busybox "$root/$path" ;;
      sbin/*) ln -s ../bin/busybox "$root/$path" ;;
      usr/*bin/*) ln -s ../../bin/busybox "$root/$path" ;;
    esac
  done <"$work/applets"
  printf '%s\n' root:x:0:0:root:/root:/bin/sh nobody:x:65534:65534:nobody:/:/bin/false >"$root/etc/passwd"
  printf '%s\n' root:x:0: tty:x:5: nogroup:x:65534: >"$root/etc/group"
  printf '%s\n' '127.0.0.1 localhost' '::1 localhost' >"$root/etc/hosts"
  echo busybox >"$root/etc/hostname"
  : >"$root/etc/resolv.conf"
}

# A run that was killed with SIGKILL could not clean up. Its process id is in the name.
remove_leftovers() {
  for left in "$1"*; do
    pid=${left#"$1"}
    case $pid in *[!0-9]*) continue ;; esac
    [ -d "/proc/$pid" ] || rm -rf "$left"
  done
}

case ${1:-} in
  -h | --help)
    usage
    exit 0
    ;;
  --find)
    find_busybox || exit 1
    echo "$busybox"
    exit 0
    ;;
  '' | -*)
    usage >&2
    exit 2
    ;;
esac
[ $# = 1 ] || {
  usage >&2
  exit 2
}

dir=$(readlink -m -- "$1")
if is_complete "$dir"; then exit 0; fi
is_free "$dir" || fail "$1 exists and is not a busybox root file system; remove it or choose another directory"

base=${dir%/*} # the nearest directory that exists: on the same file system as DIR, and nothing to take back
while [ -n "$base" ] && [ ! -d "$base" ]; do base=${base%/*}; done
remove_leftovers "$base/.busybox-rootfs-"
work=$base/.busybox-rootfs-$$
rm -rf "$work" 2>/dev/null || :
mkdir "$work" 2>/dev/null || {
  work=''
  fail "cannot write to ${base:-/}"
}
find_busybox || download
fill
mkdir -p "${dir%/*}/"
# One rename(2): DIR is there and complete, or it is not there.
if ! mv -T "$work/root" "$dir" 2>/dev/null; then
  is_complete "$dir" || fail "cannot move the finished root file system to $1" # else another run was faster
fi
[ ! -d "$work/download" ] || busybox="Debian's package busybox-static"
say "made $1 from $busybox ($("$dir/bin/busybox" | head -n 1 | cut -d ' ' -f 1-2))"

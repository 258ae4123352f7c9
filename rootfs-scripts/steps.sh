# The steps of provision.sh, each of which does what is missing: packages, toolkit, its root file system, the command on
# PATH, and the learner's login. provision.sh reads this file with `.`: the variables are its own.
# shellcheck shell=sh disable=SC2154

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
  cd "$work/toolkit" || exit
  npm_addresses "$top/package-lock.json" >package-lock.json
  quietly env "PATH=$work/node/bin:$PATH" "HOME=$work/home" "$work/node/bin/node" "$work/npm-cli/bin/npm-cli.js" ci \
    $offline --cache "${cache%/_cacache}" --no-update-notifier || fail 'npm ci has failed; see above'
  cp "$top/package-lock.json" package-lock.json
  [ -f dist/toolkit.cjs ] || fail 'npm ci has built nothing'
  echo "$wanted_digest" >.provisioned
  cd / || exit
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

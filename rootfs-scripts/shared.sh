# What provision.sh and bundle.sh share: what belongs to us, and what npm and apt would download for it. They read this
# file with `.`; it only defines. npm's part works without Node: package-lock.json is read, and what it names is fetched
# and checked, on a machine that has no Node yet.
# shellcheck shell=sh disable=SC2034 # used where it is read

# What the course runs on the host, and the Debian or Ubuntu package that has it.
PROGRAMS='ip:iproute2 nft:nftables ping:iputils-ping ps:procps runc:runc setsid:util-linux sudo:sudo'

# sources DIR: the files of a checkout that make us up, sorted. The Vagrantfile knows the same list.
sources() {
  (
    cd "$1" && find . \( -name .git -o -name .vagrant -o -name node_modules -o -path './dist*' \) -prune \
      -o -type f ! -name '*.log' ! -name '*.bundle' ! -name '*.box' -print | LC_ALL=C sort
  )
}

# sums DIR: `sha256sum` of each file that is named on stdin.
sums() { (cd "$1" && tr '\n' '\0' | xargs -0 sha256sum); }

# digest DIR: one number for all of a checkout.
digest() { sources "$1" | sums "$1" | sha256sum | cut -d ' ' -f 1; }

# The npm that installs us: Debian's own drags some 500 packages along. Name, version, integrity.
NPM='npm 11.19.1 sha512-ztsxKxt/kkIaAs+2i0GU6I+DRmUdrNasxTZKJe9TCdSjKxlhah/4r/hl5ygMD6XAg1qZ9c2TNomR4qgOydp10g=='

REGISTRY=${NPM_CONFIG_REGISTRY:-https://registry.npmjs.org}

# npm_packages LOCK CPU: all that `npm ci` installs on Linux with glibc and this processor (x64, arm64), and NPM.
# A line for each: where it lies in npm's cache, its sha512, its address. npm's cache knows a file by its sum alone:
# content-v2/sha512/ and the digits of the sum, as cacache's documentation has it.
npm_packages() {
  awk -v cpu="$2" -v npm="$NPM" -v registry="${REGISTRY%/}" '
    BEGIN {
      letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
      split(npm, word, " ")
      show(word[1], word[2], word[3])
    }
    function hex(text,   at, i, bits, digits) {
      for (at = 1; at <= length(text); at += 4) {
        bits = 0
        for (i = 0; i < 4; i++) bits = bits * 64 + (index(letters, substr(text, at + i, 1)) + 63) % 64
        digits = digits sprintf("%06x", bits)
      }
      return substr(digits, 1, 128)
    }
    function show(name, version, integrity,   sum, base) {
      sub(/^sha512-/, "", integrity)
      sum = hex(integrity)
      base = name
      sub(/.*\//, "", base)
      printf "content-v2/sha512/%s/%s/%s %s %s/%s/-/%s-%s.tgz\n", substr(sum, 1, 2), substr(sum, 3, 2), substr(sum, 5),
        sum, registry, name, base, version
    }
    function fits(list, wanted) { return list == "" || index(list, " " wanted " ") }
    /^    "node_modules\// {
      name = $0
      gsub(/.*node_modules\/|".*$/, "", name)
      version = integrity = ""
      only["cpu"] = only["os"] = only["libc"] = ""
    }
    /^      "(cpu|os|libc)": / { field = $1; gsub(/[":]/, "", field); if ($2 != "[") add($2) }
    function add(text) { gsub(/[",]/, "", text); only[field] = only[field] " " text " " }
    /^        "/ && field != "" { add($1) }
    /^      [^ ]/ && $2 != "[" { field = "" }
    /^      "version": / { version = $2; gsub(/[",]/, "", version) }
    /^      "integrity": / { integrity = $2; gsub(/[",]/, "", integrity) }
    /^    }/ && integrity != "" {
      if (fits(only["cpu"], cpu) && fits(only["os"], "linux") && fits(only["libc"], "glibc")) show(name, version, integrity)
      integrity = ""
    }
  ' "$1" | sort -u
}

# npm_addresses LOCK: the lock file with the address of each package. With it, npm ci looks for a package in its cache
# by the sum; without it, npm asks the registry first where the package lies.
npm_addresses() {
  awk -v registry=https://registry.npmjs.org '
    /^    "node_modules\// { name = $0; gsub(/.*node_modules\/|".*$/, "", name); base = name; sub(/.*\//, "", base) }
    /^      "version": / { version = $2; gsub(/[",]/, "", version) }
    /^      "integrity": / { printf "      \"resolved\": \"%s/%s/-/%s-%s.tgz\",\n", registry, name, base, version }
    { print }
  ' "$1"
}

# npm_fetch CACHE: downloads what is named on stdin, as npm_packages prints it, where it is not in CACHE already.
# Whatever arrives damaged is removed.
npm_fetch() {
  while read -r path sum address; do
    [ ! -f "$1/$path" ] || continue
    mkdir -p "$1/${path%/*}"
    download "$address" "$1/$path.part" || return 1
    echo "$sum  $1/$path.part" | sha512sum -c --status || {
      rm -f "$1/$path.part"
      echo "$address is not what package-lock.json says" >&2
      return 1
    }
    mv "$1/$path.part" "$1/$path"
  done
}

# download ADDRESS FILE
download() {
  if command -v curl >/dev/null; then
    curl -fsSL --retry 3 --connect-timeout 20 -o "$2" "$1"
  else
    wget -q --tries=3 --timeout=20 -O "$2" "$1"
  fi
}

#!/bin/bash
# Installs the Debian packages that the demo and the tests need, and only those that are missing.
# As root or through sudo it installs them; without either it says exactly what to install.
set -eu

# Servers run as users of their own (PostgreSQL refuses root; mosquitto reads its fences as itself).
# A "/" that only root may enter, as in a root made by `mktemp -d`, stops every one of them.
if [ "$(id -u)" -eq 0 ] && [[ "$(stat -c %A /)" != *x ]]; then
	echo "Opening / to the system's own users (it was $(stat -c %a /)): servers could not run."
	chmod 755 /
fi

wanted=(
	mosquitto mosquitto-clients       # the broker, and its tools for the tests
	ffmpeg espeak-ng                  # test recordings in every format, and speech from text
	libportaudio2 libsndfile1         # a node's sound
	pulseaudio libasound2-plugins     # a sound server that dies, for the tests
	gcc libc6-dev libasound2-dev      # a sound card made for the tests, and ALSA to play on it
	alsa-utils                        # what others would play with, for the benchmarks
	postgresql                        # the tests start servers of their own
	chromium fonts-noto-core          # the browser tests, with letters for every Vietnamese tone
	iproute2 procps strace            # a test's own network, and looking into processes
	e2fsprogs                         # a stick to read
	systemd libseccomp2               # units are checked, their filters laid on; no systemd need run
)

if ! command -v dpkg-query >/dev/null; then
	echo "Not a Debian-like machine: please install by hand the likes of: ${wanted[*]}" >&2
	exit 0
fi

have=$(dpkg-query -W -f='${db:Status-Abbrev} ${Package}\n' 2>/dev/null | sed -n 's/^ii  *//p')
missing=()
for package in "${wanted[@]}"; do
	grep -qxF "$package" <<<"$have" || missing+=("$package")
done
python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
[ "${#missing[@]}" -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
	if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
		as_root=(sudo)
	elif command -v sudo >/dev/null && [ -t 0 ]; then
		as_root=(sudo)
	else
		echo "System packages are missing and this user may not install them. As root, run:" >&2
		echo "    apt-get install --no-install-recommends ${missing[*]}" >&2
		exit 1
	fi
fi

echo "Installing system packages: ${missing[*]}"
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0)
# Fresh machines have no package lists, old ones point at versions that are gone: one update mends both.
"${apt[@]}" install -y --no-install-recommends "${missing[@]}" >/dev/null 2>&1 || {
	"${apt[@]}" update
	"${apt[@]}" install -y --no-install-recommends "${missing[@]}" >/dev/null
}

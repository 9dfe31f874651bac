#!/bin/bash
# Installs or upgrades a Loa Làng node on Raspberry Pi OS or Debian 12 or 13.
# Run it again after every `git pull`; schedule, clips, keys and reports stay.
#
#   sudo deploy/install-node.sh                        settings come from loalang.toml on the boot partition or a stick
#   sudo deploy/install-node.sh --settings FILE        … or from this file now
#   --pin N        the GPIO (BCM number) that switches the amplifier, for the firmware's own "low at power-on" (17)
#   --no-clock     there is no DS3231 clock on I2C
set -eu

settings="" pin=17 clock=yes
while [ $# -gt 0 ]; do
	case $1 in
	--settings) settings=${2:?--settings needs a file}; shift 2 ;;
	--pin) pin=${2:?--pin needs a BCM number}; shift 2 ;;
	--no-clock) clock=no; shift ;;
	-h | --help) sed -n '2,/^set -eu/{/^set -eu/d; s/^# \{0,1\}//; p}' "$0"; exit 0 ;;
	*) echo "Unknown option: $1 (see --help)" >&2; exit 2 ;;
	esac
done
case $pin in '' | *[!0-9]*) echo "--pin is a BCM number, such as 17" >&2; exit 2 ;; esac
[ -z "$settings" ] || [ -f "$settings" ] || { echo "There is no file $settings" >&2; exit 2; }
[ "$(id -u)" -eq 0 ] || { echo "Run it as root: sudo $0 …" >&2; exit 1; }

# Half of what a node needs has no 32-bit wheels; every Pi from the Zero 2 on runs the 64-bit system.
[ "$(dpkg --print-architecture)" != armhf ] || { echo "Use the 64-bit Raspberry Pi OS Lite: this one is 32-bit." >&2; exit 1; }

source=$(cd "$(dirname "$0")/.." && pwd)
here=$source/deploy
home=/opt/loalang
etc=/etc/loalang
# shellcheck source=deploy/install-common.sh
. "$here/install-common.sh"

say "System packages"
packages=(python3-venv libsndfile1 gpiod ca-certificates)
# Named after the change of 64-bit time in Debian 13.
if apt-cache show libasound2t64 >/dev/null 2>&1; then packages+=(libasound2t64); else packages+=(libasound2); fi
# Raspberry Pi OS has both; elsewhere the pins' library comes with Python's packages.
for package in raspi-utils python3-lgpio; do
	! apt-cache show "$package" >/dev/null 2>&1 || packages+=("$package")
done
install_packages "${packages[@]}"

say "User and folders"
make_user /var/lib/loalang-node
for group in audio gpio; do
	getent group "$group" >/dev/null || groupadd --system "$group"
	usermod -a -G "$group" loalang
done
install -d -m 755 "$home" "$home/bin" "$etc"
install -d -m 700 -o loalang -g loalang /var/lib/loalang-node

say "Program"
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
copy_source "$source" "$build/source"
# The system's own lgpio serves where PyPI has none for this Python.
make_venv "$home/venv" "$source/requirements/device.txt" --system-site-packages
install_program "$home/venv" "$build/source"

say "Firmware"
config=/boot/firmware/config.txt
[ -f "$config" ] || config=/boot/config.txt
if [ -f "$config" ]; then
	lines=("gpio=$pin=op,dl" "dtparam=strict_gpiod" "dtparam=watchdog=on" "dtparam=i2c_arm=on")
	[ "$clock" = no ] || lines+=("dtoverlay=i2c-rtc,ds3231")
	add_firmware_lines "$config" "${lines[@]}"
else
	echo "No config.txt: not a Raspberry Pi, so nothing holds the amplifier's pin low before Linux is up."
fi

say "Services"
install -d /etc/systemd/system.conf.d /etc/systemd/journald.conf.d /etc/udev/rules.d
# A hung kernel restarts the Pi; its own watchdog reaches 15 s at most.
printf '[Manager]\nRuntimeWatchdogSec=14\nRebootWatchdogSec=2min\n' >/etc/systemd/system.conf.d/loalang.conf
# The journal stays in memory: cards wear out, and reports have an outbox of their own.
printf '[Journal]\nStorage=volatile\nRuntimeMaxUse=32M\n' >/etc/systemd/journald.conf.d/loalang.conf
install -m 644 "$here/systemd/90-loalang-stick.rules" /etc/udev/rules.d/
install -m 644 "$here/systemd/loalang-stick@.service" /etc/systemd/system/
install_unit "$here/systemd/loalang-first-boot.service"
install_unit "$here/systemd/loalang-node.service"
if [ -n "$settings" ]; then
	"$home/venv/bin/python" -m deploy.first_boot --file "$settings"
fi
start_unit loalang-first-boot.service changed
if [ -f "$etc/node.toml" ]; then
	start_unit loalang-node.service changed
else
	[ ! -d /run/systemd/system ] || systemctl enable --quiet loalang-node.service
	echo "No settings yet: put loalang.toml on the boot partition or a USB stick; the node takes it over by itself."
fi

link_command "$home/venv/bin/loalang" /usr/local/bin/loalang-node "$etc/node.toml"
say "Done"
echo "Settings in force: sudo loalang-node node check-config · journal: journalctl -u loalang-node -f"
[ ! -f "$config" ] || echo "Restart once (sudo reboot) so that the firmware's lines take hold."

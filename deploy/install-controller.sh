#!/bin/bash
# Installs or upgrades a Loa Làng controller on Debian 12 or 13, with its broker and its pages.
# Run it again after every `git pull`, or to change the server's name; data and passwords stay.
#
#   sudo deploy/install-controller.sh --name loa.example.vn                 a rented server with a public name
#   sudo deploy/install-controller.sh --name 192.168.1.10 --https internal  a box in the commune's own network
#
#   --name NAME       how nodes and people reach this machine; may be given several times, the first counts most
#   --https HOW       caddy (default): Caddy with a public certificate · internal: Caddy with its own authority ·
#                     none: pages on 127.0.0.1:8080, for a proxy and a certificate you already have
#   --postgresql      a PostgreSQL database on this machine instead of SQLite (from about 200 nodes; always on ARM)
set -eu

names=() https=caddy postgresql=no
while [ $# -gt 0 ]; do
	case $1 in
	--name) names+=("${2:?--name needs a DNS name or an address}"); shift 2 ;;
	--https) https=${2:?--https is caddy, internal or none}; shift 2 ;;
	--postgresql) postgresql=yes; shift ;;
	-h | --help) sed -n '2,/^set -eu/{/^set -eu/d; s/^# \{0,1\}//; p}' "$0"; exit 0 ;;
	*) echo "Unknown option: $1 (see --help)" >&2; exit 2 ;;
	esac
done
[ "${#names[@]}" -gt 0 ] || { echo "How do nodes reach this machine? Give --name loa.example.vn" >&2; exit 2; }
case $https in caddy | internal | none) ;; *) echo "--https is caddy, internal or none" >&2; exit 2 ;; esac
[ "$(id -u)" -eq 0 ] || { echo "Run it as root: sudo $0 …" >&2; exit 1; }
# What an earlier run chose holds on: the pages' user must be known to the database, too.
! grep -qs '^database_url = "postgresql:///loalang?host=/var/run/postgresql"' /etc/loalang/controller.toml || postgresql=yes
# The SQLite that two processes need has wheels for x86-64 only.
[ "$(uname -m)" = x86_64 ] || postgresql=yes

source=$(cd "$(dirname "$0")/.." && pwd)
here=$source/deploy
home=/opt/loalang
etc=/etc/loalang
# shellcheck source=deploy/install-common.sh
. "$here/install-common.sh"

say "System packages"
packages=(mosquitto python3-venv espeak-ng ca-certificates)
[ "$https" = none ] || packages+=(caddy)
[ "$postgresql" = no ] || packages+=(postgresql)
install_packages "${packages[@]}"

say "Users and folders"
# Two users: the service holds the keys, the pages cannot read them. deploy/folders.py has the rest.
make_user /var/lib/loalang
make_user /var/lib/loalang-web loalang-web
usermod --append --groups loalang-web loalang
install -d -m 755 "$home" "$home/bin" "$etc"

say "Program"
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
copy_source "$source" "$build/source"
if ! pages_are_built "$build/source"; then
	say "Pages"
	make_venv "$build/assets" "$source/requirements/assets.txt"
	PATH="$build/assets/bin:$PATH" npm --prefix "$build/source/web" ci --no-audit --no-fund --loglevel=error
	PATH="$build/assets/bin:$PATH" npm --prefix "$build/source/web" run --silent build
fi
make_venv "$home/venv" "$source/requirements/controller.txt"
find "$build/source/web" -name '*.po' | while read -r texts; do
	"$home/venv/bin/pybabel" --quiet compile -i "$texts" -o "${texts%.po}.mo"
done
install_program "$home/venv" "$build/source"

say "Broker"
named=()
for name in "${names[@]}"; do named+=(--name "$name"); done
changed=$("$home/venv/bin/python" -m deploy.prepare_broker "${named[@]}" --directory "$etc/broker" --user mosquitto)
start_unit mosquitto.service "$changed"

say "Settings"
database="sqlite:////var/lib/loalang/loalang.db"
if [ "$postgresql" = yes ]; then
	database="postgresql:///loalang?host=/var/run/postgresql"
	start_unit postgresql.service ""
	# The user of the system is the user of the database: no password to keep.
	for role in loalang loalang-web; do
		su postgres -s /bin/sh -c "psql -Atc \"SELECT 1 FROM pg_roles WHERE rolname = '$role'\" | grep -q 1 || createuser $role"
	done
	su postgres -s /bin/sh -c "psql -Atc \"SELECT 1 FROM pg_database WHERE datname = 'loalang'\" | grep -q 1 || createdb -O loalang loalang"
	# The pages read and write rows; what tables there are is the service's business.
	su postgres -s /bin/sh -c "psql -q -d loalang" <"$here/pages-rights.sql"
fi
if [ ! -f "$etc/controller.toml" ]; then
	cat >"$etc/controller.toml" <<-TOML
		# The controller's settings; deploy/README.md lists them. The broker's password comes from the unit.
		data_dir = "/var/lib/loalang"
		service_dir = "/var/lib/loalang-service"
		secret_key_file = "/var/lib/loalang-web/web.key"
		factor_key_file = "/var/lib/loalang-web/factor.key"
		database_url = "$database"
		broker_url = "mqtt://127.0.0.1:1883"
		broker_user = "controller"
		bind = "127.0.0.1:8080"
		public_url = "https://${names[0]}"
	TOML
fi
# Read by both users; there is no secret in it.
chgrp loalang-web "$etc/controller.toml"
chmod 640 "$etc/controller.toml"
# What an installation of one user kept in one folder is moved: nobody may be writing there.
[ ! -d /var/lib/loalang/keys ] || [ ! -d /run/systemd/system ] || systemctl stop loalang-controller.service || true
(umask 0077 && "$home/venv/bin/python" -m deploy.folders --config "$etc/controller.toml")

say "Services"
install_unit "$here/systemd/loalang-controller.service"
install_unit "$here/systemd/loalang-web.service"
install_unit "$here/systemd/loalang-broker-access.service"
install_unit "$here/systemd/loalang-broker-access.path"
start_unit loalang-broker-access.path changed
start_unit loalang-controller.service changed
start_unit loalang-web.service changed
if [ "$https" != none ]; then
	tls=""
	[ "$https" = caddy ] || tls="	tls internal"
	cat >/etc/caddy/Caddyfile.loalang <<-CADDY
		# Written by Loa Làng's installer.
		$(printf '%s, ' "${names[@]}" | sed 's/, $//') {
			encode zstd gzip
			reverse_proxy 127.0.0.1:8080 {
				# Live pages are one long answer.
				flush_interval -1
			}
		$tls
		}
	CADDY
	if [ "$https" = internal ]; then
		# A phone that does not trust us yet must reach the page that tells it how.
		cat >>/etc/caddy/Caddyfile.loalang <<-CADDY
			$(printf 'http://%s, ' "${names[@]}" | sed 's/, $//') {
				@open path /trust /trust/* /assets/*
				handle @open {
					reverse_proxy 127.0.0.1:8080
				}
				handle {
					redir https://{host}{uri}
				}
			}
		CADDY
	fi
	grep -qxF 'import Caddyfile.loalang' /etc/caddy/Caddyfile 2>/dev/null || {
		# Debian's own example answers on port 80 and would shadow the redirect to HTTPS.
		[ ! -f /etc/caddy/Caddyfile ] || cp -n /etc/caddy/Caddyfile /etc/caddy/Caddyfile.before-loalang
		echo 'import Caddyfile.loalang' >/etc/caddy/Caddyfile
	}
	start_unit caddy.service changed
	if [ "$https" = internal ]; then
		# Caddy makes its authority at the first start; the pages hand out the certificate, never the key.
		authority=/var/lib/caddy/.local/share/caddy/pki/authorities/local/root.crt
		for _ in 1 2 3 4 5 6 7 8 9 10; do [ -f "$authority" ] && break; sleep 1; done
		[ ! -f "$authority" ] || install -m 644 -o loalang -g loalang-web "$authority" /var/lib/loalang/pages-ca.crt
	fi
fi

link_controller "$home/venv" /usr/local/bin/loalang-controller "$etc/controller.toml"
say "Done"
cat <<TEXT
The pages:       https://${names[0]}/   (ports 80 and 443 open for people, 8883 for nodes)
First administrator, once (prints a link that sets the password):
    sudo loalang-controller user add --username admin --name "Your name" --role administrator
A node's file (loalang.toml), for its card or a USB stick:
    sudo $home/venv/bin/python -m deploy.node_file --host ${names[0]} --claim-code CODE
The passphrase that opens the keys in a backup, once; write it down, away from this machine:
    sudo loalang-controller keys passphrase
Is all well?     sudo loalang-controller doctor
TEXT
if [ -f /var/lib/loalang/pages-ca.crt ] && [ "$https" = internal ]; then
	echo "Phones learn to trust the pages at http://${names[0]}/trust; compare this fingerprint there:"
	openssl x509 -in /var/lib/loalang/pages-ca.crt -noout -fingerprint -sha256 | sed 's/.*=//; s/://g; s/..../& /g'
fi

#!/bin/sh
# Add what application hosts have anyway, so that tests do not install it again and again.
set -eu

apt-get -qq update
DEBIAN_FRONTEND=noninteractive apt-get -qq -y install "$@" >/dev/null
apt-get -qq clean

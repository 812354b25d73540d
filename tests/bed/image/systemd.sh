#!/bin/sh
# Turn a minimal Debian into a host that boots in a container. Runs inside its root.
set -eu

echo force-unsafe-io >/etc/dpkg/dpkg.cfg.d/99-containers
printf '%s\n' 'APT::Install-Recommends "false";' 'Acquire::Languages "none";' >/etc/apt/apt.conf.d/99-containers
# A registry's image throws away what apt downloads and hides the manual pages: a host does neither.
rm -f /etc/apt/apt.conf.d/docker-*

if [ $# -gt 0 ]; then
    apt-get -qq update
    DEBIAN_FRONTEND=noninteractive apt-get -qq -y install "$@" >/dev/null
    apt-get -qq clean
fi

# Consoles, seats and kernel modules belong to the machine, not to a container.
systemctl mask -q systemd-logind.service getty.target console-getty.service systemd-firstboot.service \
    systemd-modules-load.service
# A first boot would otherwise take apt's lock in the middle of a test. Disabled, so a role can enable them.
systemctl disable -q apt-daily.timer apt-daily-upgrade.timer

# Every container has keys and an id of its own, made when it boots.
rm -f /etc/machine-id /etc/ssh/ssh_host_*
touch /etc/machine-id
mkdir -p /etc/systemd/system/ssh.service.d
cat >/etc/systemd/system/ssh.service.d/keys.conf <<'EOF'
[Service]
ExecStartPre=
ExecStartPre=/usr/bin/ssh-keygen -A
ExecStartPre=/usr/sbin/sshd -t
EOF

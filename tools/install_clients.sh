#!/usr/bin/env bash
# Install from Debian's packages what `make clients` needs and this machine lacks. Needs root for that.
set -euo pipefail
declare -A package=([mvn]=maven [java]=default-jdk-headless [go]=golang [node]=nodejs [npm]=npm [cargo]=cargo [/usr/sbin/mosquitto]=mosquitto [mosquitto_pub]=mosquitto-clients [cc]=build-essential [cmake]=cmake)
missing=()
for program in "${!package[@]}"; do
    command -v "$program" > /dev/null || missing+=("${package[$program]}")
done
# perf_analyzer is linked with it
ldconfig -p | grep -q libb64 || missing+=(libb64-0d)
[ ${#missing[@]} -eq 0 ] && exit 0
echo "installing ${missing[*]}"
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" > /dev/null

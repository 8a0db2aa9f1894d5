#!/bin/sh
# Makes the certificates that tests serve: a root, and two leaves for localhost that it vouches for, the first one
# through an intermediate. Their keys are public, so nobody but a test must ever trust this root.
set -eu
cd "$(dirname "$0")"
days=36500
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

key() { openssl ecparam -name prime256v1 -genkey -noout; }
authority() {
    printf 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n'
}
leaf() {
    printf 'basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage=serverAuth\n'
    printf 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1\n'
}
# sign <name> <issuer's key> <issuer> <extensions>
sign() {
    "$4" > "$work/extensions"
    openssl req -new -key "$1" -subj "/CN=hubplane test $(basename "$1" .key)" |
        openssl x509 -req -days "$days" -CA "$3" -CAkey "$2" -extfile "$work/extensions" 2> "$work/log"
}

key > "$work/root.key"
openssl req -x509 -new -key "$work/root.key" -subj "/CN=hubplane test root" -days "$days" \
    -addext keyUsage=critical,keyCertSign,cRLSign > root.pem

key > "$work/intermediate.key"
sign "$work/intermediate.key" "$work/root.key" root.pem authority > "$work/intermediate.pem"

# A PKCS#8 key and a chain.
key | openssl pkcs8 -topk8 -nocrypt > first.key
sign first.key "$work/intermediate.key" "$work/intermediate.pem" leaf > first.pem
cat "$work/intermediate.pem" >> first.pem

# A key in RSA's own format, and no chain.
openssl genrsa -traditional 2048 > second.key 2> "$work/log"
sign second.key "$work/root.key" root.pem leaf > second.pem

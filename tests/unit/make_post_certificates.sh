#!/bin/sh
# Makes in directory $1 what make_certificates.sh makes, a second client, and what a client must not trust.
set -eu
sh "$(dirname "$0")/make_certificates.sh" "$1"
cd "$1"
# leaf NAME CA DAYS SUBJECT_ALT_NAME USE
leaf() {
    openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"
    printf 'subjectAltName=%s\nextendedKeyUsage=%s\n' "$4" "$5" >"$1.ext"
    openssl req -new -key "$1.key" -subj "/CN=$1" -out "$1.csr"
    openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -CAcreateserial -days "$3" -extfile "$1.ext" -out "$1.pem"
}
leaf second ca 2 DNS:second clientAuth
leaf expired ca -1 DNS:localhost serverAuth
leaf elsewhere ca 2 DNS:elsewhere.example.org serverAuth
leaf foreign other-ca 2 DNS:localhost serverAuth

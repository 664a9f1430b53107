#!/bin/sh
# Makes in directory $1 what make_certificates.sh makes, and what a TLS server must refuse or tell apart.
set -eu
here=$(dirname "$0")
sh "$here/make_certificates.sh" "$1"
cd "$1"
# request NAME SUBJECT_ALT_NAMES: for NAME.key
request() {
    printf 'subjectAltName=%s\nextendedKeyUsage=%s\n' "$2" "${3:-clientAuth}" >"$1.ext"
    openssl req -new -key "$1.key" -subj "/CN=$1" -out "$1.csr"
}
# sign NAME CA DAYS: NAME.csr to NAME.pem
sign() { openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -CAcreateserial -days "$3" -extfile "$1.ext" -out "$1.pem"; }
for name in expired foreign named nameless middle below; do
    openssl ecparam -name prime256v1 -genkey -noout -out $name.key
done
request expired DNS:client
sign expired ca -1
request foreign DNS:client
sign foreign other-ca 2
request named DNS:scraper,email:scraper@example.org,IP:192.0.2.7,IP:2001:db8::7,IP:::ffff:192.0.2.8,URI:spiffe://example.org/scraper
sign named ca 2
request nameless DNS:none
: >nameless.ext
sign nameless ca 2
request middle DNS:none
printf 'basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\n' >middle.ext
sign middle ca 2
request below DNS:below clientAuth,serverAuth
sign below middle 2
cat below.pem middle.pem >chain.pem
for bits in 1024 2048; do
    openssl genrsa -out rsa$bits.key $bits
    request rsa$bits DNS:localhost serverAuth
    sign rsa$bits ca 2
done
openssl pkcs8 -topk8 -in server.key -out encrypted.key -passout pass:secret
openssl ec -in server.key -out encrypted-old.key -aes128 -passout pass:secret
cat server.key server.pem >both.pem
cat ca.pem other-ca.pem >two-cas.pem
head -c 300 server.pem >cut.pem
head -c 100 server.key >cut.key

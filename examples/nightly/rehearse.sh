#!/usr/bin/env bash
# Sets up the nightly job against a local Azure: three nights, in the second of which somebody opens SSH to the internet and
# in the third of which it is closed. Leaves a history, last night's report and the dashboard.
#
#   examples/nightly/rehearse.sh [PORTCULLIS [DIRECTORY]]
set -euo pipefail
portcullis=$(realpath "$(command -v "${1:-portcullis}")")
directory=${2:-nights}
estate=$(cd "$(dirname "$0")/../contoso" && pwd)/estate.jsonl
mkdir -p "$directory"
cd "$directory"

"$portcullis" sandbox --from "$estate" --clock recorded >sandbox.txt &
sandbox=$!
trap 'kill $sandbox' EXIT
for _ in $(seq 100); do grep -q 'export AZURE_CLIENT_SECRET' sandbox.txt && break; sleep 0.1; done
export AZURE_TENANT_ID AZURE_CLIENT_ID AZURE_CLIENT_SECRET
eval "$(grep -E 'export (AZURE_TENANT_ID|AZURE_CLIENT_ID|AZURE_CLIENT_SECRET)=' sandbox.txt)"
endpoint=$(sed -n 's/.* at \(http:[^ ]*\)$/\1/p' sandbox.txt | head -1)

night() {
    echo "== night of $1"
    status=0
    "$portcullis" scan --all-subscriptions --endpoint "$endpoint" --now "$1T02:10:00Z" --history nights.db \
        --notify issue="notice-$1.md" --format html=last-night.html || status=$?
    test "$status" -le 1
    curl -s -X POST "$endpoint/_sandbox/clock" -d '{"advance":"PT24H"}' >/dev/null
}
rule=/subscriptions/7d4f1c02-5a3e-4b86-9f10-2c6e8a9b0d11/resourceGroups/rg-mgmt/providers/Microsoft.Network/networkSecurityGroups/nsg-mgmt/securityRules/OpenSsh
administer() {
    token=$(curl -s "$endpoint/$AZURE_TENANT_ID/oauth2/v2.0/token" -d grant_type=client_credentials \
        -d client_id="$AZURE_CLIENT_ID" -d client_secret="$AZURE_CLIENT_SECRET" \
        -d scope=https://management.azure.com/.default | sed 's/.*"access_token":"\([^"]*\).*/\1/')
    curl -s --fail -o answer.json -X "$1" "$endpoint$rule?api-version=2024-05-01" -H "Authorization: Bearer $token" \
        -H 'Content-Type: application/json' ${2:+-d "$2"}
}

night 2026-03-14
administer PUT '{"properties":{"priority":110,"direction":"Inbound","access":"Allow","protocol":"Tcp","sourceAddressPrefix":"Internet","sourcePortRange":"*","destinationAddressPrefix":"*","destinationPortRange":"22"}}'
night 2026-03-15
administer DELETE
night 2026-03-16

"$portcullis" history trend --history nights.db
"$portcullis" history show --history nights.db
"$portcullis" report --from-history nights.db --format html=dashboard.html
echo "wrote $PWD/nights.db, last-night.html, notice-*.md and dashboard.html"

#!/bin/sh
# Enqueue one job for every .py file of the running Python's standard library, and print the ids of the jobs.
#
#   ./producer.sh > ids
#
# Plain curl: 100 files a request, each request all or nothing. A request whose connection failed, or that was answered
# with 429 or a passing 5xx, is repeated with the same Idempotency-Key, so a file is counted once even if an answer gets
# lost on its way. Any other answer would stay what it is: it is shown, and is the end.
set -eu

url=${HEADRACE_URL:-http://127.0.0.1:8080}
python=${PYTHON:-python3}
folder=${1:-$("$python" -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')}
run=$(date +%s)-$$
batch=0
reply=$(mktemp)
trap 'rm -f "$reply"' EXIT

find "$folder" -name site-packages -prune -o -name '*.py' -type f -print |
    sort |
    sed 's/[\\"]/\\&/g' |
    awk '{ jobs = jobs comma "{\"payload\": {\"path\": \"" $0 "\"}}"; comma = ", " }
         NR % 100 == 0 { print jobs; jobs = comma = "" }
         END { if (jobs != "") print jobs }' |
    while IFS= read -r jobs; do
        batch=$((batch + 1))
        # without --fail an answer of whatever status is no error to --retry-all-errors
        status=$(
            printf '{"defaults": {"task": "codestats.count", "queue": "codestats"}, "jobs": [%s]}' "$jobs" |
                curl --silent --show-error --retry 5 --retry-all-errors --data-binary @- \
                    --header 'Content-Type: application/json' --header "Idempotency-Key: codestats-$run-$batch" \
                    ${HEADRACE_TOKEN:+--header "Authorization: Bearer $HEADRACE_TOKEN"} \
                    --output "$reply" --write-out '%{http_code}' "$url/v1/jobs/batch"
        )
        case $status in
            2*) grep -oE '"id": ?"[0-9a-f-]{36}"' "$reply" | cut -d '"' -f 4 ;;
            *) cat "$reply" >&2; exit 1 ;;
        esac
    done

#!/bin/sh
# Enqueue one job for every .py file of the running Python's standard library, and print the ids of the jobs.
#
#   ./producer.sh > ids
#
# Plain curl: 100 files a request, each request all or nothing. A request that fails is repeated with the same
# Idempotency-Key, so a file is counted once even if an answer gets lost on its way.
set -eu

url=${HEADRACE_URL:-http://127.0.0.1:8080}
python=${PYTHON:-python3}
folder=${1:-$("$python" -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')}
run=$(date +%s)-$$
batch=0

find "$folder" -name site-packages -prune -o -name '*.py' -type f -print |
    sort |
    sed 's/[\\"]/\\&/g' |
    awk '{ jobs = jobs comma "{\"payload\": {\"path\": \"" $0 "\"}}"; comma = ", " }
         NR % 100 == 0 { print jobs; jobs = comma = "" }
         END { if (jobs != "") print jobs }' |
    while IFS= read -r jobs; do
        batch=$((batch + 1))
        printf '{"defaults": {"task": "codestats.count", "queue": "codestats"}, "jobs": [%s]}' "$jobs" |
            curl --silent --show-error --fail-with-body --retry 5 --retry-all-errors --data-binary @- \
                --header 'Content-Type: application/json' --header "Idempotency-Key: codestats-$run-$batch" \
                ${HEADRACE_TOKEN:+--header "Authorization: Bearer $HEADRACE_TOKEN"} "$url/v1/jobs/batch" |
            grep -oE '"id": ?"[0-9a-f-]{36}"' |
            cut -d '"' -f 4
    done

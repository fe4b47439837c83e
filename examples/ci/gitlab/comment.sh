#!/usr/bin/env bash
# Posts a Markdown report as a note on a merge request, or updates the note that an earlier run posted.
#
# usage: comment.sh REPORT.md
#
# DRIFTMGR_GITLAB_TOKEN   a project access token with the scope `api`, role Reporter or more; the job token cannot comment
# EXIT_CODE               what driftmgr ended with: 0 is nothing to say, and posts no first note
# CI_API_V4_URL, CI_PROJECT_ID, CI_MERGE_REQUEST_IID   set by GitLab
set -euo pipefail
[ $# = 1 ] || { echo "usage: comment.sh REPORT.md" >&2; exit 1; }
report=$1
if [ -z "${DRIFTMGR_GITLAB_TOKEN:-}" ]; then
  echo "DRIFTMGR_GITLAB_TOKEN is not set: no note is posted, the report is among the artifacts"
  exit 0
fi
: "${CI_API_V4_URL:?is set by GitLab}" "${CI_PROJECT_ID:?is set by GitLab}" "${CI_MERGE_REQUEST_IID:?is set in merge request pipelines}"
api=$CI_API_V4_URL notes="$CI_API_V4_URL/projects/$CI_PROJECT_ID/merge_requests/$CI_MERGE_REQUEST_IID/notes"
marker=$(head -n 1 "$report")
case "$marker" in
  '<!-- driftmgr:'*' -->') ;;
  *) echo "$report is no Markdown report of driftmgr" >&2; exit 1 ;;
esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Prints the status; the answer is in $work/answer. The token is in no argument: those are seen by everyone on the machine.
call() {
  local method=$1 url=$2
  shift 2
  curl --silent --show-error --max-time 60 --request "$method" --output "$work/answer" --write-out '%{http_code}' \
    --header @<(printf 'PRIVATE-TOKEN: %s\n' "$DRIFTMGR_GITLAB_TOKEN") --header 'Content-Type: application/json' "$@" "$url"
}

# Only the token's own notes are updated.
status=$(call GET "$api/user" --retry 3)
[ "$status" = 200 ] || { echo "DRIFTMGR_GITLAB_TOKEN is not accepted: HTTP $status" >&2; exit 1; }
author=$(jq .id "$work/answer")
id='' page=1
while [ -z "$id" ]; do
  status=$(call GET "$notes?per_page=100&page=$page&order_by=created_at&sort=asc" --retry 3)
  [ "$status" = 200 ] || { echo "the notes of !$CI_MERGE_REQUEST_IID could not be read: HTTP $status" >&2; exit 1; }
  id=$(jq --raw-output --arg marker "$marker" --argjson author "$author" \
    'map(select(.author.id == $author and (.body | startswith($marker)))) | first | .id // empty' "$work/answer")
  [ "$(jq length "$work/answer")" = 100 ] || break
  page=$((page + 1))
done
if [ -z "$id" ] && [ "${EXIT_CODE:-}" = 0 ]; then
  echo "nothing meets the change, and no earlier note says otherwise: none is posted"
  exit 0
fi

jq --null-input --rawfile body "$report" '{body: $body}' >"$work/note.json"
if [ -n "$id" ]; then
  status=$(call PUT "$notes/$id" --data-binary "@$work/note.json")
else
  status=$(call POST "$notes" --data-binary "@$work/note.json")
fi
case "$status" in
  200) echo "updated note $(jq .id "$work/answer")" ;;
  201) echo "posted note $(jq .id "$work/answer")" ;;
  *) echo "the note could not be written: HTTP $status, $(jq --raw-output '.message // .error // empty' "$work/answer" 2>/dev/null | head -c 500)" >&2; exit 1 ;;
esac

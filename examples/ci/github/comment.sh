#!/usr/bin/env bash
# Posts a Markdown report as a comment on a pull request, or updates the comment that an earlier run posted.
#
# usage: comment.sh REPORT.md
#
# GITHUB_TOKEN, GITHUB_REPOSITORY, PULL_REQUEST   who posts, and where
# COMMENT_AUTHOR   whose comments are updated [github-actions[bot]]: a comment of somebody else is never touched
# COMMENT          `always`, or `findings`: no first comment where there is nothing to say [findings]
# EXIT_CODE        what driftmgr ended with: 0 is nothing to say
# GITHUB_API_URL   the API, where it is not GitHub's own
set -euo pipefail
[ $# = 1 ] || { echo "usage: comment.sh REPORT.md" >&2; exit 1; }
report=$1
: "${GITHUB_TOKEN:?is needed to post a comment}" "${GITHUB_REPOSITORY:?owner/name is needed}" "${PULL_REQUEST:?its number is needed}"
author=${COMMENT_AUTHOR:-github-actions[bot]}
issues="${GITHUB_API_URL:-https://api.github.com}/repos/$GITHUB_REPOSITORY/issues"
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
    --header @<(printf 'Authorization: Bearer %s\n' "$GITHUB_TOKEN") \
    --header 'Accept: application/vnd.github+json' --header 'X-GitHub-Api-Version: 2022-11-28' "$@" "$url"
}

id='' page=1
while [ -z "$id" ]; do
  status=$(call GET "$issues/$PULL_REQUEST/comments?per_page=100&page=$page" --retry 3)
  [ "$status" = 200 ] || { echo "the comments of #$PULL_REQUEST could not be read: HTTP $status" >&2; exit 1; }
  id=$(jq --raw-output --arg marker "$marker" --arg author "$author" \
    'map(select(.user.login == $author and (.body | startswith($marker)))) | first | .id // empty' "$work/answer")
  [ "$(jq length "$work/answer")" = 100 ] || break
  page=$((page + 1))
done
if [ -z "$id" ] && [ "${EXIT_CODE:-}" = 0 ] && [ "${COMMENT:-findings}" = findings ]; then
  echo "nothing meets the change, and no earlier comment says otherwise: none is posted"
  exit 0
fi

jq --null-input --rawfile body "$report" '{body: $body}' >"$work/comment.json"
if [ -n "$id" ]; then
  status=$(call PATCH "$issues/comments/$id" --data-binary "@$work/comment.json")
else
  status=$(call POST "$issues/$PULL_REQUEST/comments" --data-binary "@$work/comment.json")
fi
case "$status" in
  200) echo "updated $(jq --raw-output .html_url "$work/answer")" ;;
  201) echo "posted $(jq --raw-output .html_url "$work/answer")" ;;
  403) echo "::notice title=driftmgr::The token may not comment on this pull request (that of a fork never may). The report is in the summary of this step." ;;
  *) echo "the comment could not be written: HTTP $status, $(jq --raw-output '.message // empty' "$work/answer" 2>/dev/null | head -c 500)" >&2; exit 1 ;;
esac

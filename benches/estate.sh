#!/usr/bin/env bash
# What `benches/run estate` measures, run by `cargo xtask estate run` while the account is up.
set -euo pipefail
cd "$ESTATE_DIR"
printf 'disable_checkpoint = true\nprovider_installation {\n  filesystem_mirror {\n    path = "%s"\n  }\n}\n' "$MIRROR" >"$WORK/estate.tfrc"
export TF_CLI_CONFIG_FILE=$WORK/estate.tfrc DRIFTMGR_STORE=$WORK/estate.db
"$TERRAFORM" init -no-color -input=false >/dev/null
git init -q -b main
printf '.terraform/\n*.tfstate\n' >.gitignore
git add -A
git -c user.name=estate -c user.email=estate@example.com commit -q -m 'the estate'
sed -i 's/retention_in_days = 14/retention_in_days = 30/' services.tf
rm -f "$WORK/terraform" "$WORK/driftmgr" "$WORK/driftmgr-all"
tree=$OLDPWD/benches/tree.py
for _ in $(seq "$ROUNDS"); do
    python3 "$tree" "$WORK/terraform" "$TERRAFORM" plan -no-color -input=false -lock=false
    python3 "$tree" "$WORK/driftmgr" "$DRIFTMGR" check --base main --json --precision provider
    python3 "$tree" "$WORK/driftmgr-all" "$DRIFTMGR" check --base none --json --precision provider
done

//! What a provider read and planned, made a finding.

use model::{AttributeDifference, Cause, CauseKind, Finding, Kind, Precision, ProviderConfigAddress, RecordedInstance};

use super::Judging;
use super::reason::{Presence, absence, presence};
use crate::exact::{Outcome, ProviderUse, Reading};
use crate::fails;

impl Judging<'_> {
    /// Gives the findings about an instance that its provider was asked about, one for each kind.
    pub(super) fn judge_reading(
        &mut self,
        position: usize,
        instance: &RecordedInstance,
        reading: &Reading,
    ) -> Result<Vec<Finding>, Cause> {
        let block = self.block(instance);
        let sighting = self.sightings[position].take();
        let read = |finding: Finding| {
            let seen = sighting.as_deref();
            let (name, tags) = seen.map(|seen| (seen.name.clone(), seen.tags.clone())).unwrap_or_default();
            Finding {
                precision: Some(Precision::Provider),
                provider_version: reading.provider_version.clone(),
                observed_at: Some(reading.observed_at),
                name,
                tags,
                ..finding
            }
        };
        let mut differences = match &reading.outcome {
            Outcome::Unseen(cause) => return Err(cause.clone()),
            Outcome::Gone => {
                let (kind, reason) = absence(
                    instance,
                    &block,
                    "The state records it, and its provider looked twice and did not find it.",
                );
                return Ok(vec![read(self.finding(position, &block, kind, reason.to_owned()))]);
            }
            Outcome::Seen { differences, .. } => {
                self.explained.remove(&position).unwrap_or_else(|| differences.clone())
            }
        };
        if self.scopes.is_too_old(reading.observed_at) {
            let detail = format!("{} was read longer ago than allowed. Run again.", instance.address);
            return Err(Cause::new(CauseKind::NotScanned, detail));
        }
        let tiers = &self.options.tiers;
        differences.retain(|difference| {
            !self.is_reserved_tag(difference) && (tiers.is_empty() || tiers.contains(&difference.tier))
        });
        // What fails comes first: reports show the first few.
        differences.sort_by_key(|difference| (fails::rank(difference), difference.tier));
        let tiers = &self.options.tiers;
        let found = presence(instance, &block, self.is_removed_by_change(instance), differences);
        let make = |Presence { kind, reason, differences }: Presence| {
            let is_noise = kind == Kind::Changed && tiers.is_empty() && differences.iter().all(fails::is_noise);
            let folded = is_noise.then(|| fails::folded_reason(&differences));
            let finding = read(self.finding(position, &block, kind, reason));
            // Where a line is what makes it fail, the finding is about that line.
            let failing = differences.iter().find(|difference| fails::rank(difference) == 0);
            let source = failing.and_then(|difference| difference.source.clone()).or(finding.source);
            Finding { attributes: differences, folded, source, ..finding }
        };
        Ok(found.into_iter().map(make).collect())
    }

    fn is_reserved_tag(&self, difference: &AttributeDifference) -> bool {
        let key = match difference.path.steps() {
            [cty::PathStep::GetAttr(name), cty::PathStep::Index(key)] if name == "tags" || name == "tags_all" => key,
            _ => return false,
        };
        let prefixes = &self.options.reserved_tag_prefixes;
        key.as_str().is_some_and(|key| prefixes.iter().any(|prefix| key.starts_with(prefix.as_str())))
    }

    pub(super) fn provider_use(&self, state: usize, provider: &ProviderConfigAddress) -> Option<&ProviderUse> {
        self.evidence.provider_uses.iter().find(|used| used.state == state && used.provider == *provider)
    }

    /// Says why the provider was not asked, where the inventory never looks for such instances.
    pub(super) fn sharper(&self, instance: &RecordedInstance, cause: Cause) -> Cause {
        let is_blunt = matches!(cause.kind, CauseKind::NoDefinition | CauseKind::NotScanned);
        let of_provider = self.provider_use(instance.state, &instance.provider).and_then(|used| used.cause.clone());
        of_provider.filter(|_| is_blunt).unwrap_or(cause)
    }
}

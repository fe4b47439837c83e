//! What identifies the managed instances of a state, in the vocabulary other crates share.

use model::{AccountId, Diagnostic, Diagnostics, Identity, ImportId, RecordedInstance, Region, StateRef};

use super::{Index, IndexedInstance};

/// The parts of an ARN that say where the remote object lies.
pub(crate) struct ArnPlace<'a> {
    pub(crate) region: &'a str,
    pub(crate) account: &'a str,
}

pub(crate) fn parse_arn(arn: &str) -> Option<ArnPlace<'_>> {
    let mut parts = arn.splitn(6, ':');
    if parts.next() != Some("arn") {
        return None;
    }
    let (_partition, _service) = (parts.next()?, parts.next()?);
    let (region, account) = (parts.next()?, parts.next()?);
    parts.next().map(|_resource| ArnPlace { region, account })
}

impl Index {
    /// Names the snapshot, as fetched from `url` for `workspace`.
    pub fn state_ref(&self, url: &str, workspace: &str) -> StateRef {
        StateRef { url: url.into(), workspace: workspace.into(), lineage: self.lineage.clone(), serial: self.serial }
    }

    /// Gives every managed instance with what identifies its remote object.
    ///
    /// `state` is the index of this state among those that are read. An id that the state marks as sensitive is left
    /// out. An identity that cannot be decoded is left out too, with a warning.
    pub fn recorded_instances(&self, state: usize) -> (Vec<RecordedInstance>, Diagnostics) {
        let mut diagnostics = Diagnostics::new();
        let managed = self.instances().filter(|instance| instance.is_managed());
        let recorded = managed.map(|instance| record(instance, state, &mut diagnostics)).collect();
        (recorded, diagnostics)
    }
}

fn record(instance: IndexedInstance<'_>, state: usize, diagnostics: &mut Diagnostics) -> RecordedInstance {
    let address = instance.address();
    let identity =
        instance.identity_json().and_then(|(version, json)| match cty::json::decode_implied(json.as_bytes()) {
            Ok(value) => Some(Identity { version, value }),
            Err(error) => {
                let detail =
                    format!("The identity of {address} cannot be decoded: {error}. It is compared by id only.");
                let summary = "An identity is not valid";
                diagnostics.push(Diagnostic::warning("state-invalid-identity", summary, detail).at_address(&address));
                None
            }
        });
    let told = |name: &str| {
        let identity = identity.as_ref()?;
        let attribute = cty::Path::default().attr(name).apply(&identity.value).ok()?;
        attribute.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let arn = instance.arn();
    let place = arn.and_then(parse_arn);
    let in_arn = |part: fn(&ArnPlace<'_>) -> String| place.as_ref().map(part).filter(|text| !text.is_empty());
    RecordedInstance {
        deposed: instance.deposed().cloned(),
        is_tainted: instance.is_tainted(),
        provider: instance.provider().clone(),
        id: instance.id().map(ImportId::from),
        import_id: None,
        arn: arn.map(str::to_owned),
        account: in_arn(|place| place.account.to_owned()).or_else(|| told("account_id")).map(AccountId::from),
        region: in_arn(|place| place.region.to_owned())
            .or_else(|| told("region"))
            .map(Region::from)
            .or_else(|| instance.region().cloned()),
        identity,
        address,
        state,
        position: instance.position(),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn an_arn_tells_region_and_account() {
        let place = parse_arn("arn:aws:logs:eu-central-1:123456789012:log-group:/a:*").unwrap();
        assert_eq!((place.region, place.account), ("eu-central-1", "123456789012"));
        let place = parse_arn("arn:aws:s3:::bucket").unwrap();
        assert_eq!((place.region, place.account), ("", ""));
        assert!(parse_arn("arn:aws:s3").is_none());
        assert!(parse_arn("urn:aws:s3:::bucket").is_none());
    }
}

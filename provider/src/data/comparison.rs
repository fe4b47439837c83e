//! What `driftmgr_drift` and `driftmgr_unmanaged_resources` share: a comparison, and what it says about itself.

use ::drift::{Filters, JudgeOptions, Pattern, Question, TagPattern};
use cty::{Path, Value};
use engine::request::{Freshness, Sight};
use engine::{BaselineSource, DriftAnswer, DriftRequest};
use jiff::Timestamp;
use model::{Attribute, Diagnostic, Diagnostics};
use report::format::json;
use report::v1::drift::Document;
use report::{DriftReport, Values};

use super::Reading;
use crate::fresh::Wanted;
use crate::schema::{STRINGS, optional};
use crate::values::{self, Computed};

/// The argument that names the states.
pub(super) fn states_argument() -> (&'static str, Attribute) {
    let description = "The states to compare with: files, workspace folders, `s3://` URLs. Without it, what the provider \
                       block says.";
    ("states", optional(&STRINGS, description))
}

/// Compares states with the cloud, or with what the store saw of it where that is young enough.
pub(super) async fn compare(
    reading: &Reading<'_>,
    question: Question,
    diagnostics: &mut Diagnostics,
) -> Result<DriftAnswer, Diagnostics> {
    let wanted = Wanted::read(reading)?;
    let arguments = &reading.arguments;
    let states = reading.settings.states(arguments.texts("states"));
    if states.locations.is_empty() && states.dir.is_none() {
        let detail = "No state says what is managed. Name the states with states = [\"terraform.tfstate\"], here or in the \
                      provider block, or a root module there with dir.";
        return Err(vec![
            Diagnostic::error("no-states", "No states are named", detail).at_path(Path::new().attr("states")),
        ]);
    }
    let (types, accounts, regions) =
        (arguments.texts("types"), arguments.texts("accounts"), arguments.texts("regions"));
    let mut options = JudgeOptions::for_question(question);
    options.filters = Filters {
        types: types.iter().map(|glob| Pattern::new(glob)).collect(),
        tags: arguments.texts("tags").iter().map(|text| TagPattern::new(text)).collect(),
        accounts: accounts.iter().map(|account| account.as_str().into()).collect(),
        regions: regions.iter().map(|region| region.as_str().into()).collect(),
    };
    let store = reading.settings.store(reading.session).map_err(|error| values::failure(&error))?;
    let request = DriftRequest {
        states,
        scope: reading.settings.scope(types, &accounts, &regions),
        // A provider that a CLI started hosts no other: what those see is in the store, where `driftmgr drift` put it.
        sight: Sight::Inventory,
        transcripts: None,
        freshness: if wanted.may_refresh { Freshness::Within(wanted.max_age) } else { Freshness::StoreOnly },
        store,
        options,
        ignore_file: reading.settings.ignore_file.clone(),
        baseline: BaselineSource::Beside,
    };
    if question == Question::Drift {
        // A hosted provider saw more than any inventory does.
        let published = engine::published(reading.session, &request).await.map_err(|error| values::failure(&error))?;
        if let Some(answer) = published {
            diagnostics.extend(answer.diagnostics.iter().cloned());
            return Ok(answer);
        }
    }
    let answer = {
        let _turn = reading.turn.take(&request.store).await;
        engine::drift(reading.session, &request).await.map_err(|error| values::failure(&error))?
    };
    diagnostics.extend(answer.diagnostics.iter().cloned());
    diagnostics.extend(answer.verdict.diagnostics.iter().cloned());
    let age = |as_of: Timestamp| answer.at.duration_since(as_of).unsigned_abs();
    if !wanted.may_refresh && answer.verdict.as_of.is_none_or(|as_of| age(as_of) > wanted.max_age) {
        let seen = answer.verdict.as_of.map_or("never".to_owned(), |as_of| as_of.to_string());
        let detail = format!(
            "What was asked for was last seen: {seen}. At most {} s ago is allowed, and the data source may not ask the cloud \
             itself: refresh is false.",
            wanted.max_age.as_secs()
        );
        return Err(vec![
            Diagnostic::error("not-found", "There is no answer young enough", detail)
                .with_help("Run `driftmgr scan`, or allow an older answer with max_age."),
        ]);
    }
    Ok(answer)
}

/// Gives the causes of a verdict that is not complete, as sentences.
pub(super) fn causes(answer: &DriftAnswer) -> Vec<String> {
    answer.verdict.coverage.scopes.iter().flat_map(values::causes_of_scope).collect()
}

/// Gives what a verdict says about itself.
pub(super) fn freshness_fields(answer: &DriftAnswer) -> Computed {
    vec![
        ("as_of", values::time(answer.verdict.as_of)),
        ("complete", Value::bool(answer.verdict.is_complete)),
        ("causes", values::texts(causes(answer))),
    ]
}

/// Gives the whole answer as a document, without values that are or look sensitive.
pub(super) fn document(answer: &DriftAnswer) -> Value {
    let root = answer.root.as_ref().map(|root| root.display().to_string());
    let report = DriftReport {
        verdict: &answer.verdict,
        states: &answer.states,
        root: root.as_deref(),
        directory: None,
        ignore: &answer.ignore,
    };
    let mut text = Vec::new();
    json::write(&Document { report: &report, values: Values::Safe }, &mut text)
        .expect("a document of known parts can be written to memory");
    values::text(Some(String::from_utf8_lossy(&text).trim_end()))
}

//! Transcripts show what they may, and nothing else.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use cty::{Refinements, Type, Value};
use tfplugin::transcript::{Mask, Player};
use tfplugin::{
    Call, ConfigureRequest, ImportRequest, ImportTarget, PlanRequest, Provider, ReadRequest, ResourceObject,
    UpgradeRequest,
};

use crate::support::{self, call, echo_within, field, object, schema};
use crate::{recorder, session, thing};

#[tokio::test]
async fn planted_secrets_are_in_no_transcript() {
    const TEXTS: [&str; 12] = [
        "planted-password",
        "planted-private",
        "planted-marked",
        "planted-label",
        "planted-prefix",
        "planted-key",
        "planted-name",
        "planted-id",
        "planted-in-state",
        "918273645",
        "planted-line-one-of-two",
        "planted-reason",
    ];
    let only_tags = Mask::Allow {
        attributes: vec!["resource.torture_thing.tags".parse().unwrap(), "data.torture_echo.text".parse().unwrap()],
    };
    for mask in [Mask::Everything, only_tags.clone()] {
        let (provider, shared) = recorder(Arc::new(support::start().await), mask.clone());
        let schema = schema(&provider).await;
        let thing_type = schema.resources["torture_thing"].value_type();
        let echo_type = schema.data_sources["torture_echo"].value_type();
        let config = object(&schema.provider.value_type(), &[("label", Value::string("planted-label"))]);
        let request = ConfigureRequest { terraform_version: "1.15.0".to_owned(), config };
        provider.configure(&call(), request).await.unwrap();

        let element = Value::object(BTreeMap::from([
            ("key".to_owned(), Value::string("planted-key")),
            ("value".to_owned(), Value::number(918_273_645)),
        ]));
        let prefix = Refinements::new().string_prefix_full("planted-prefix");
        let any = Value::object(BTreeMap::from([("planted-name".to_owned(), Value::string("planted-marked"))]));
        let refuse = BTreeMap::from([(
            "planted-key".to_owned(),
            Value::string("\"planted-marked\" and 918273645, planted-reason"),
        )]);
        let fields = [
            ("nested_list", Value::list(element.ty().clone(), vec![element.clone()]).unwrap()),
            ("nested_map", Value::map(element.ty().clone(), [("planted-key".to_owned(), element)].into()).unwrap()),
            ("any", any.mark_sensitive()),
            ("refuse", Value::map(Type::String, refuse).unwrap()),
        ];
        let text = Value::unknown_refined(Type::String, prefix).unwrap();
        let unknown: Vec<(&str, Value)> = fields.iter().cloned().chain([("text", text.mark_sensitive())]).collect();
        let config = object(&echo_type, &unknown);
        let ((), diagnostics) = provider.validate_data_source_config(&call(), "torture_echo", config).await.unwrap();
        assert!(diagnostics[0].detail.contains("planted-reason"), "the caller sees what the provider says");
        // A place that is allowed does not show what is sensitive elsewhere.
        let copied = Value::string("before planted-marked and planted-label after");
        let known: Vec<(&str, Value)> = fields.into_iter().chain([("text", copied)]).collect();
        echo_within(&provider, &call(), &known).await.unwrap();

        let tags = BTreeMap::from([("visible-key".to_owned(), Value::string("visible-tag"))]);
        let value = object(
            &thing_type,
            &[
                ("id", Value::string("planted-id")),
                ("name", Value::string("planted-name")),
                ("password", Value::string("planted-password\nplanted-line-one-of-two\n")),
                ("tags", Value::map(Type::String, tags).unwrap()),
            ],
        );
        let read = ResourceObject { value: value.clone(), private: b"planted-private".to_vec(), identity: None };
        let request = ReadRequest { resource_type: thing(), object: read.clone(), provider_meta: None };
        provider.read_resource(&call(), request).await.unwrap();
        let request = PlanRequest {
            resource_type: thing(),
            prior: read,
            proposed: value.clone(),
            config: value,
            provider_meta: None,
        };
        provider.plan_resource_change(&call(), request).await.unwrap();
        let request = ImportRequest { resource_type: thing(), target: ImportTarget::Id("planted-id".to_owned()) };
        provider.import_resource_state(&call(), request).await.unwrap();
        let json = br#"{"name":"planted-in-state","password":"planted-password","old_pin":918273645}"#.to_vec();
        for (version, json) in [(2, json), (1, b"planted-in-state, no JSON".to_vec())] {
            let request = UpgradeRequest { resource_type: thing(), version, json };
            // Neither is a whole state: the provider refuses them, and may quote them.
            let (value, diagnostics) = provider.upgrade_resource_state(&call(), request).await.unwrap();
            assert!(value.is_null() && !diagnostics.is_empty());
        }
        provider.finish().unwrap();

        let transcript = shared.text();
        assert!(transcript.lines().count() >= 9, "{transcript}");
        for text in TEXTS {
            assert!(!transcript.contains(text), "{text} with {mask:?}: {transcript}");
        }
        let words =
            transcript.split(|character: char| !(character.is_ascii_alphanumeric() || "+/=".contains(character)));
        for bytes in words.filter_map(|word| base64::engine::general_purpose::STANDARD.decode(word).ok()) {
            let found = TEXTS.iter().find(|text| bytes.windows(text.len()).any(|window| window == text.as_bytes()));
            assert_eq!(found, None, "hidden in base64");
        }
        for visible in ["visible-tag", "visible-key"] {
            assert_eq!(transcript.contains(visible), mask == only_tags, "{visible} with {mask:?}");
        }
    }
}

#[tokio::test]
async fn an_answer_cannot_quote_a_request_that_is_still_under_way() {
    /// Waits with one type, and quotes what it was asked about it when it is asked about another.
    #[derive(Default)]
    struct Gossip(Mutex<Option<String>>);
    #[async_trait::async_trait]
    impl Provider for Gossip {
        async fn schema(&self, call: &Call) -> tfplugin::Answer<Arc<tfplugin::ProviderSchema>> {
            tfplugin::builtin::Builtin::default().schema(call).await
        }

        async fn validate_resource_config(&self, call: &Call, name: &str, config: Value) -> tfplugin::Answer<()> {
            if name == "kept" {
                *self.0.lock().unwrap() = config.as_str().map(str::to_owned);
                call.cancel.cancelled().await;
                return Ok(((), Vec::new()));
            }
            let heard = self.0.lock().unwrap().clone().unwrap();
            let said = model::Diagnostic::error("gossip", "Have you heard", format!("Somebody asked about {heard}."));
            Ok(((), vec![said]))
        }
    }
    let (recording, shared) = recorder(Arc::new(Gossip::default()), Mask::Everything);
    let waiting = call();
    let (kept, told) =
        tokio::join!(recording.validate_resource_config(&waiting, "kept", Value::string("planted-secret")), async {
            let told = recording.validate_resource_config(&call(), "told", Value::string("x")).await;
            waiting.cancel.cancel();
            told
        });
    kept.unwrap();
    assert!(told.unwrap().1[0].detail.contains("planted-secret"), "the caller hears it");
    let transcript = shared.text();
    assert_eq!(transcript.lines().count(), 4);
    assert!(transcript.contains("Somebody asked about ⟨s") && !transcript.contains("planted-secret"), "{transcript}");
}

#[tokio::test]
async fn without_the_key_a_transcript_is_asked_in_its_own_words() {
    let (recording, shared) = recorder(Arc::new(support::start().await), Mask::Everything);
    session(&recording).await;
    let transcript = shared.text();
    let id = transcript
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .find(|line| line["method"] == "ImportResourceState")
        .map(|line| line["request"]["id"].as_str().unwrap().to_owned())
        .unwrap();
    assert!(id.starts_with("⟨s") && !transcript.contains("id-of-a"), "{id}");

    let player = Player::open(transcript.as_bytes()).unwrap();
    let request = ImportRequest { resource_type: thing(), target: ImportTarget::Id(id.clone()) };
    let (imported, _) = player.import_resource_state(&call(), request).await.unwrap();
    let object = imported.into_iter().next().unwrap().object;
    assert_eq!(field(&object.value, "id"), Value::string(id), "equal strings have equal placeholders");
    let private = String::from_utf8(object.private.clone()).unwrap();
    assert!(private.starts_with("⟨p"), "{private}");
    let name = field(&object.value, "name");
    let request = ReadRequest { resource_type: thing(), object, provider_meta: None };
    let (read, _) = player.read_resource(&call(), request).await.unwrap();
    assert_eq!(field(&read.value, "name"), name);
    assert_eq!(field(&read.identity.unwrap().value, "name"), name);
}

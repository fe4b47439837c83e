//! What cannot be recorded or replayed is said.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use cty::{Type, Value};
use tfplugin::host::HostedProvider;
use tfplugin::transcript::{Key, Mask, Player, Recorder};
use tfplugin::{
    Call, ConfigureRequest, ErrorKind, GenerateRequest, ImportRequest, ImportTarget, Provider, ReadRequest,
    ResourceObject,
};

use crate::support::{self, call, echo_within, object, schema};
use crate::{KEY, allowed, options, recorder, session, thing};

async fn read(player: &Player, name: &str) -> tfplugin::Answer<ResourceObject> {
    let ty = schema(player).await.resources["torture_thing"].value_type();
    let value = object(&ty, &[("name", Value::string(name))]);
    let object = ResourceObject { value, private: Vec::new(), identity: None };
    player.read_resource(&call(), ReadRequest { resource_type: thing(), object, provider_meta: None }).await
}

#[tokio::test]
async fn a_request_that_was_not_recorded_is_named() {
    let hosted = support::start().await;
    let (recording, shared) = recorder(Arc::new(hosted), allowed());
    let ty = schema(&recording).await.resources["torture_thing"].value_type();
    for private in [&b"1"[..], b"1", b"2"] {
        let value = object(&ty, &[("name", Value::string("a"))]);
        let object = ResourceObject { value, private: private.to_vec(), identity: None };
        let request = ReadRequest { resource_type: thing(), object, provider_meta: None };
        recording.read_resource(&call(), request).await.unwrap();
    }
    let player = Player::open_with(shared.text().as_bytes(), Key::from_bytes(KEY)).unwrap();
    let error = read(&player, "b").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotRecorded);
    let text = error.to_string();
    assert!(text.contains("holds no ReadResource of torture_thing"), "{text}");
    assert!(text.contains("nearest one is on line 3") && text.contains("/private/base64"), "{text}");

    let request = GenerateRequest { resource_type: thing(), state: Value::null(ty.clone()) };
    let text = player.generate_resource_config(&call(), request).await.unwrap_err().to_string();
    assert!(text.contains("never called so"), "{text}");

    let mut asked = Vec::new();
    for _ in 0..3 {
        let value = object(&ty, &[("name", Value::string("a"))]);
        let object = ResourceObject { value, private: b"1".to_vec(), identity: None };
        let request = ReadRequest { resource_type: thing(), object, provider_meta: None };
        asked.push(player.read_resource(&call(), request).await);
    }
    assert!(asked[0].is_ok() && asked[1].is_ok());
    let text = asked[2].as_ref().unwrap_err().to_string();
    assert!(text.contains("2 times") && text.contains("once more"), "{text}");
}

#[tokio::test]
async fn last_words_and_deadlines_are_replayed() {
    let hosted = HostedProvider::launch(support::launch_with(&[])).await.unwrap();
    let (recording, shared) = recorder(Arc::new(hosted), Mask::Everything);
    let crash = [("crash", Value::bool(true))];
    let long = [("sleep_ms", Value::number(60_000_i64))];
    schema(&recording).await;
    let late = echo_within(&recording, &Call::within(Duration::from_millis(300)), &long).await.unwrap_err();
    let crashed = echo_within(&recording, &call(), &crash).await.unwrap_err();
    let player = Player::open_with(shared.text().as_bytes(), Key::from_bytes(KEY)).unwrap();
    for (recorded, fields) in [(late, long), (crashed, crash)] {
        let replayed = echo_within(&player, &call(), &fields).await.unwrap_err();
        assert_eq!(replayed.kind(), recorded.kind());
        assert_eq!(replayed.operation(), recorded.operation());
        assert_eq!(replayed.to_string(), recorded.to_string());
    }
}

#[tokio::test]
async fn a_full_disk_ends_the_recording_and_not_the_session() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is full"))
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let inner = Arc::new(tfplugin::builtin::Builtin::default());
    let recording = Recorder::new(inner, Box::new(Full), options(Mask::Everything));
    assert!(recording.schema(&call()).await.is_ok());
    assert!(recording.finish().unwrap_err().to_string().contains("the disk is full"));
}

fn refusal(transcript: &str) -> String {
    match Player::open(transcript.as_bytes()) {
        Ok(_) => panic!("it is read: {transcript}"),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Malformed);
            error.to_string()
        }
    }
}

#[tokio::test]
async fn a_broken_transcript_is_refused_with_its_line() {
    let header = r#"{"transcript":"driftmgr.transcript/v1","provider":"hashicorp/time"}"#;
    for (transcript, expect) in [
        ("", "Line 1 of the transcript cannot be used: the transcript is empty"),
        ("{", "Line 1"),
        (r#"{"transcript":"driftmgr.transcript/v2","provider":"a/b"}"#, "only \"driftmgr.transcript/v1\" can be read"),
        (r#"{"transcript":"driftmgr.transcript/v1","provider":"a/b/c/d"}"#, "names no provider"),
        (&format!("{header}\n\n"), "Line 2"),
        (&format!("{header}\n{{\"method\":\"ApplyResourceChange\"}}\n"), "\"ApplyResourceChange\" is no call"),
        (&format!("{header}\n{{\"method\":\"ReadResource\",\"micro\":1}}"), "unknown field"),
        (&format!("{header}\n{{\"method\":\"GetProviderSchema\",\"answer\":{{}}}}"), "Line 2"),
        (&format!("{header}\n{{\"method\":\"ReadResource\"}}\n{{\"meth"), "Line 3"),
        (&format!("{header}\n{}", "[".repeat(1000)), "Line 2"),
        ("{\"transcript\":\"driftmgr.transcript/v1\",\"provider\":\"a/b\",\"allowed\":[\"*\"]}", "Line 1"),
    ] {
        let error = refusal(transcript);
        assert!(error.contains(expect), "{transcript}: {error}");
    }
    let answerless = format!(
        "{header}\n{{\"method\":\"ConfigureProvider\",\"request\":{{\"config\":{{\"json\":null,\"type\":\"bool\"}},\"terraform_version\":\"1\"}}}}"
    );
    let player = Player::open(answerless.as_bytes()).unwrap();
    let request = ConfigureRequest { terraform_version: "1".to_owned(), config: Value::null(Type::Bool) };
    let error = player.configure(&call(), request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotRecorded);
    assert!(error.to_string().contains("Line 2 of the transcript has no answer"), "{error}");
}

#[tokio::test]
async fn mutated_transcripts_never_panic() {
    let (recording, shared) = recorder(Arc::new(support::start().await), allowed());
    session(&recording).await;
    let transcript = shared.text().into_bytes();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random % u64::try_from(below).unwrap()).unwrap()
    };
    let (mut n_opened, mut n_refused) = (0, 0);
    for _ in 0..1_500 {
        let mut mutated = transcript.clone();
        for _ in 0..=next(3) {
            let at = next(mutated.len());
            match next(4) {
                0 => mutated[at] = u8::try_from(next(256)).unwrap(),
                1 => drop(mutated.remove(at)),
                2 => mutated.truncate(at.max(1)),
                _ => mutated.insert(at, b"{}[]\",:0a\xe9\n"[next(11)]),
            }
        }
        match Player::open_with(mutated.as_slice(), Key::from_bytes(KEY)) {
            Err(error) => {
                assert!(error.to_string().contains("Line "), "{error}");
                n_refused += 1;
            }
            Ok(player) => {
                n_opened += 1;
                let id = ImportTarget::Id("id-of-a".to_owned());
                let request = ImportRequest { resource_type: thing(), target: id };
                // Whatever it says, it says it.
                let _ = player.import_resource_state(&call(), request).await;
                if let Ok((schema, _)) = player.schema(&call()).await
                    && let Some(thing_schema) = schema.resources.get("torture_thing")
                    && thing_schema.block.attributes.contains_key("name")
                {
                    let _ = read(&player, "gone").await;
                }
                let _ = player.stop(&call()).await;
            }
        }
    }
    assert!(n_opened > 50 && n_refused > 500, "{n_opened} opened, {n_refused} refused");
}

//! The text forms of addresses: they round-trip, and what is no address says where that shows.

use model::{InstanceAddress, InstanceKey, ModuleAddress, ProviderAddress, ProviderConfigAddress, ResourceMode};
use proptest::prelude::*;

fn check(text: &str) -> InstanceAddress {
    let address: InstanceAddress = text.parse().expect(text);
    assert_eq!(address.to_string(), text);
    address
}

#[test]
fn instance_addresses_round_trip() {
    check("aws_vpc.main");
    check("data.aws_vpc.main");
    check("module.a.module.b[0].aws_vpc.main[12]");
    assert_eq!(check("module.a.data.aws_ami.x").resource.mode, ResourceMode::Data);
    let keyed = check(r#"aws_sqs_queue.q["a \"b\" $${c} %%{d} \\ é"]"#);
    assert_eq!(keyed.key, Some(InstanceKey::String(r#"a "b" ${c} %{d} \ é"#.into())));
}

#[test]
fn what_is_no_address_says_where() {
    let fail = |text: &str| text.parse::<InstanceAddress>().expect_err(text).to_string();
    insta::assert_snapshot!(fail("aws_vpc"), @r#"invalid address "aws_vpc": a dot and the resource's name must follow its type (at byte 7)"#);
    insta::assert_snapshot!(fail("aws_vpc.a[x]"), @r#"invalid address "aws_vpc.a[x]": an instance key is a whole number or a quoted string (at byte 9)"#);
    insta::assert_snapshot!(fail("aws_vpc.a[0].b"), @r#"invalid address "aws_vpc.a[0].b": nothing may follow here (at byte 12)"#);
    assert!("module.a.".parse::<ModuleAddress>().is_err());
}

#[test]
fn instance_keys_order_as_in_a_state() {
    let mut addresses: Vec<InstanceAddress> =
        ["a.b[\"2\"]", "a.b[10]", "a.b", "a.b[9]", "data.a.b"].iter().map(|text| text.parse().expect(text)).collect();
    addresses.sort();
    let texts: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    assert_eq!(texts, ["data.a.b", "a.b", "a.b[9]", "a.b[10]", "a.b[\"2\"]"]);
}

#[test]
fn provider_configurations_of_every_age_are_read() {
    let modern: ProviderConfigAddress =
        r#"module.m.provider["registry.opentofu.org/hashicorp/aws"].by_region["eu"]"#.parse().expect("modern");
    assert_eq!(modern.alias.as_deref(), Some("by_region"));
    assert_eq!(modern.key, Some(InstanceKey::String("eu".into())));
    let legacy: ProviderConfigAddress = "module.m.provider.aws.west".parse().expect("legacy");
    assert_eq!(&*legacy.provider.namespace, "-");
    assert_eq!(legacy.alias.as_deref(), Some("west"));
    let aws: ProviderAddress = "aws".parse().expect("short");
    assert!(aws.is_same_provider(&modern.provider));
}

proptest! {
    #[test]
    fn any_key_round_trips(key in "\\PC*", module_key in any::<u64>()) {
        let address = InstanceAddress {
            resource: format!("module.m[{module_key}].aws_x.y").parse().expect("a fixed shape"),
            key: Some(InstanceKey::String(key.into())),
        };
        prop_assert_eq!(address.to_string().parse::<InstanceAddress>().expect("own text"), address);
    }

    #[test]
    fn no_text_panics(text in "\\PC*") {
        let _ = text.parse::<InstanceAddress>();
        let _ = text.parse::<ProviderConfigAddress>();
    }
}

#[test]
fn keys_are_escaped_as_terraform_prints_them() {
    let shown = |key: &str| InstanceKey::String(key.into()).to_string();
    assert_eq!(shown("nbsp\u{a0} zero\u{200b}"), r#"["nbsp\u00a0 zero\u200b"]"#);
    assert_eq!(shown("line\u{2028} own\u{e000} tag\u{e0001}"), r#"["line\u2028 own\ue000 tag\U000e0001"]"#);
    assert_eq!(shown("combining\u{301} 日本 😀"), "[\"combining\u{301} 日本 😀\"]");
}

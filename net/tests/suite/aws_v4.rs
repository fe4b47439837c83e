//! Signature Version 4 against the vectors that AWS publishes (`aws-sig-v4-test-suite`), and against
//! the signer of the `reqsign` crates on requests both can sign.

use std::time::Duration;

use http::{HeaderName, HeaderValue, Method};
use jiff::Timestamp;
use net::Request;
use net::aws::Credentials;
use net::sign::{SigningScope, aws_v4};
use reqsign_core::SignRequest;

const ACCESS_KEY: &str = "AKIDEXAMPLE";
const SECRET_KEY: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

fn check(method: Method, path_and_query: &str, headers: &[(&'static str, &str)], body: &'static str, signature: &str) {
    let url = url::Url::parse(&format!("https://example.amazonaws.com{path_and_query}")).unwrap();
    let mut request = Request::new("test", method, url, Duration::from_secs(1));
    request.body = body.into();
    for (name, value) in headers {
        request.headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    }
    let scope = SigningScope { service: "service".to_owned(), region: "us-east-1".to_owned() };
    let now: Timestamp = "2015-08-30T12:36:00Z".parse().unwrap();
    aws_v4::sign(&mut request, &Credentials::new(ACCESS_KEY, SECRET_KEY, None, None), &scope, now).unwrap();
    let authorization = request.headers["authorization"].to_str().unwrap();
    assert!(authorization.ends_with(&format!("Signature={signature}")), "{path_and_query}: {authorization}");
    assert!(
        authorization.starts_with(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders="
        ),
        "{authorization}"
    );
    assert_eq!(request.headers["x-amz-date"], "20150830T123600Z");
}

#[test]
fn published_vectors() {
    let vanilla = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
    check(Method::GET, "/", &[], "", vanilla);
    check(Method::POST, "/", &[], "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
    check(
        Method::GET,
        "/?Param2=value2&Param1=value1",
        &[],
        "",
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    );
    check(
        Method::GET,
        "/?-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        &[],
        "",
        "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
    );
    check(
        Method::POST,
        "/",
        &[("content-type", "application/x-www-form-urlencoded")],
        "Param1=value1",
        "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
    );
}

/// Both sign a request for S3 alike: path encoding, query order, payload hash and token included.
#[tokio::test]
async fn agrees_with_reqsign_for_s3() {
    let url =
        url::Url::parse("https://bucket.s3.eu-west-1.amazonaws.com/a%20b/%C3%BC?prefix=x%2Fy&list-type=2").unwrap();
    let mut ours = Request::new("s3:ListObjectsV2", Method::GET, url.clone(), Duration::from_secs(1));
    let scope = SigningScope { service: "s3".to_owned(), region: "eu-west-1".to_owned() };
    let credentials = Credentials::new(ACCESS_KEY, SECRET_KEY, Some("token".to_owned()), None);

    let mut theirs = http::Request::get(url.as_str())
        .header("x-amz-content-sha256", reqsign_aws_v4::EMPTY_STRING_SHA256)
        .body(())
        .unwrap()
        .into_parts()
        .0;
    let credential = reqsign_aws_v4::Credential {
        access_key_id: ACCESS_KEY.to_owned(),
        secret_access_key: SECRET_KEY.to_owned(),
        session_token: Some("token".to_owned()),
        expires_in: None,
    };
    reqsign_aws_v4::RequestSigner::new("s3", "eu-west-1")
        .sign_request(&reqsign_core::Context::new(), &mut theirs, Some(&credential), None)
        .await
        .unwrap();

    let date = theirs.headers["x-amz-date"].to_str().unwrap();
    let now =
        jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", date).unwrap().to_zoned(jiff::tz::TimeZone::UTC).unwrap();
    aws_v4::sign(&mut ours, &credentials, &scope, now.timestamp()).unwrap();
    assert_eq!(ours.headers["authorization"], theirs.headers["authorization"]);
}

#[test]
fn a_path_is_encoded_twice_except_for_s3() {
    let sign = |service: &str, path: &str| {
        let url = url::Url::parse(&format!("https://example.amazonaws.com{path}")).unwrap();
        let mut request = Request::new("test", Method::GET, url, Duration::from_secs(1));
        let scope = SigningScope { service: service.to_owned(), region: "us-east-1".to_owned() };
        let now: Timestamp = "2015-08-30T12:36:00Z".parse().unwrap();
        aws_v4::sign(&mut request, &Credentials::new(ACCESS_KEY, SECRET_KEY, None, None), &scope, now).unwrap();
        request.headers["authorization"].to_str().unwrap().to_owned()
    };
    assert_ne!(sign("lambda", "/arn%3Aaws"), sign("lambda", "/arn:aws"));
    assert_eq!(sign("s3", "/arn%3Aaws"), sign("s3", "/arn:aws"));
}

#[test]
fn keys_that_fit_no_header_are_an_error_without_the_key() {
    let url = url::Url::parse("https://example.amazonaws.com/").unwrap();
    let mut request = Request::new("test", Method::GET, url, Duration::from_secs(1));
    let scope = SigningScope { service: "s".to_owned(), region: "r".to_owned() };
    let broken = Credentials::new("AKIA", "x", Some("planted\ntoken".to_owned()), None);
    let error = aws_v4::sign(&mut request, &broken, &scope, Timestamp::UNIX_EPOCH).unwrap_err();
    assert_eq!(error.kind(), net::ErrorKind::Configuration);
    assert!(!format!("{error:?}").contains("planted"));
    assert!(!format!("{request:?}").contains("AKIA"));
}

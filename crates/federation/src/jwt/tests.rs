//! Tokens that must be refused, each with the rule that refuses it, and those that must not.

mod signer;

use jiff::Timestamp;

use super::*;
use signer::{Signer, jwks, part};

const ISSUER: &str = "https://idp.example.com/realms/otter";
const NOW: i64 = 1_900_000_000;

fn claims(change: &str) -> String {
    let mut claims = vec![
        ("iss", format!("\"{ISSUER}\"")),
        ("sub", "\"system:serviceaccount:reeds:heron\"".into()),
        ("aud", "\"sts.amazonaws.com\"".into()),
        ("iat", (NOW - 60).to_string()),
        ("exp", (NOW + 600).to_string()),
    ];
    let mut rest = String::new();
    for line in change.split('\n').map(str::trim).filter(|line| !line.is_empty()) {
        match line.split_once('=') {
            Some((name, "")) => claims.retain(|(own, _)| *own != name),
            Some((name, value)) if claims.iter().any(|(own, _)| *own == name) => {
                for (own, old) in &mut claims {
                    if *own == name {
                        value.clone_into(old);
                    }
                }
            }
            _ => rest = format!("{rest},{}", line.replacen('=', ":", 1)),
        }
    }
    let members: Vec<String> = claims.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}{rest}}}", members.join(","))
}

fn verify(token: &str, keys: &KeySet) -> Result<IdToken, JwtError> {
    let audiences = ["sts.amazonaws.com".to_owned(), "second".to_owned()];
    let expected = Expected { issuer: ISSUER, audiences: &audiences };
    Jwt::parse(token)?.verify(keys, expected, Timestamp::from_second(NOW).unwrap())
}

fn refusal(token: &str, keys: &KeySet) -> String {
    match verify(token, keys) {
        Ok(_) => "accepted".to_owned(),
        Err(error) => format!("{error:?}"),
    }
}

#[test]
fn every_algorithm_verifies_with_its_own_key_only() {
    let all = Signer::ALL.map(Signer::new);
    for signer in &all {
        let keys = jwks(&[signer]);
        let token = signer.token("", &claims(""));
        let verified = verify(&token, &keys).unwrap_or_else(|error| panic!("{}: {error}", signer.algorithm));
        assert_eq!(verified.subject(), "system:serviceaccount:reeds:heron");
        for other in &all {
            // The same key id, another key: the algorithm or the signature does not fit.
            let token = other.signed_as(signer, &claims(""));
            if other.algorithm != signer.algorithm {
                assert!(verify(&token, &keys).is_err(), "{} as {}", other.algorithm, signer.algorithm);
            }
        }
    }
}

#[test]
fn refusals() {
    let (es, other) = (Signer::new("ES256"), Signer::new("ES384"));
    let keys = jwks(&[&es, &other]);
    let by_claims = |name: &str, change: &str, expected: &str| {
        let found = refusal(&es.token("", &claims(change)), &keys);
        assert!(found.starts_with(expected), "{name}: {found}");
    };
    for (name, change, expected) in [
        ("no issuer", "iss=", "MissingClaim(\"iss\")"),
        ("no subject", "sub=", "MissingClaim(\"sub\")"),
        ("no audience", "aud=", "MissingClaim(\"aud\")"),
        ("no expiry", "exp=", "MissingClaim(\"exp\")"),
        ("no time of issue", "iat=", "MissingClaim(\"iat\")"),
        ("another issuer", "iss=\"https://idp.example.com/realms/pike\"", "Issuer"),
        ("the issuer with a slash", "iss=\"https://idp.example.com/realms/otter/\"", "Issuer"),
        ("the issuer in another case", "iss=\"https://IDP.example.com/realms/otter\"", "Issuer"),
        ("an issuer that is a list", "iss=[\"https://idp.example.com/realms/otter\"]", "Claim(\"iss\")"),
        ("an empty subject", "sub=\"\"", "Claim(\"sub\")"),
        ("a subject that is a number", "sub=7", "Claim(\"sub\")"),
        ("a subject with a control character", "sub=\"a\\u0000b\"", "Claim(\"sub\")"),
        ("a subject with a line break", "sub=\"a\\nb\"", "Claim(\"sub\")"),
        ("another audience", "aud=\"other\"", "Audience"),
        ("the audience in another case", "aud=\"STS.amazonaws.com\"", "Audience"),
        ("other audiences", "aud=[\"a\",\"b\"]", "Audience"),
        ("no audiences", "aud=[]", "Claim(\"aud\")"),
        ("an audience that is null", "aud=null", "Claim(\"aud\")"),
        ("an audience that is an object", "aud={\"sts.amazonaws.com\":1}", "Claim(\"aud\")"),
        ("an audience that is a list of lists", "aud=[[\"sts.amazonaws.com\"]]", "Claim(\"aud\")"),
        ("another authorized party", "\"azp\"=\"other\"", "Audience"),
        ("an authorized party that is null", "\"azp\"=null", "Claim(\"azp\")"),
        ("expired", &format!("exp={}", NOW - 300), "Expired"),
        ("expired long ago", "exp=1", "Expired"),
        ("an expiry before 1970", "exp=-1", "Claim(\"exp\")"),
        ("an expiry that is text", "exp=\"1900000600\"", "Claim(\"exp\")"),
        ("an expiry that is null", "exp=null", "Claim(\"exp\")"),
        ("an expiry without end", "exp=1e300", "Claim(\"exp\")"),
        ("an expiry beyond every integer", "exp=99999999999999999999", "Claim(\"exp\")"),
        ("issued in the future", &format!("iat={}", NOW + 301), "NotYetValid"),
        ("valid in the future", &format!("\"nbf\"={}", NOW + 301), "NotYetValid"),
        ("a start that is text", "\"nbf\"=\"0\"", "Claim(\"nbf\")"),
        ("a claim twice", "\"role\"=1\n\"role\"=2", "Json(\"claims\""),
        ("a claim twice, once escaped", "\"role\"=1\n\"r\\u006fle\"=2", "Json(\"claims\""),
        ("the subject twice", "\"sub\"=\"root\"", "Json(\"claims\""),
        ("a claim twice but for its case", "\"SUB\"=\"root\"", "AmbiguousClaims"),
        ("a claim twice within an object", "\"a\"={\"b\":1,\"b\":2}", "Json(\"claims\""),
        ("tags that are a list", "\"https://aws.amazon.com/tags\"=[]", "Claim"),
        (
            "a tag with two values",
            "\"https://aws.amazon.com/tags\"={\"principal_tags\":{\"a\":[\"1\",\"2\"]}}",
            "Claim",
        ),
        ("a tag that is a number", "\"https://aws.amazon.com/tags/principal_tags/a\"=1", "Claim"),
        ("an unknown member of tags", "\"https://aws.amazon.com/tags\"={\"tags\":{}}", "Claim"),
        ("a source identity that is a list", "\"https://aws.amazon.com/source_identity\"=[\"a\"]", "Claim"),
    ] {
        by_claims(name, change, expected);
    }
    by_claims("a long subject", &format!("sub=\"{}\"", "s".repeat(256)), "Claim(\"sub\")");
    by_claims("nested too deeply", &format!("\"a\"={}{}", "[".repeat(16), "]".repeat(16)), "Json(\"claims\"");
    by_claims("huge claims", &format!("\"a\"=\"{}\"", "x".repeat(20_000)), "TooLarge");
    by_claims("too many audiences", &format!("aud=[{}\"a\"]", "\"a\",".repeat(100)), "Claim(\"aud\")");

    let by_header = |name: &str, members: &str, expected: &str| {
        let found = refusal(&es.token_with_header(members, &claims("")), &keys);
        assert!(found.starts_with(expected), "{name}: {found}");
    };
    for (name, members, expected) in [
        ("no algorithm", r#""kid":"ES256""#, "Algorithm"),
        ("none", r#""alg":"none","kid":"ES256""#, "Algorithm"),
        ("None", r#""alg":"None","kid":"ES256""#, "Algorithm"),
        ("an empty algorithm", r#""alg":"","kid":"ES256""#, "Algorithm"),
        ("an algorithm that is a list", r#""alg":["ES256"],"kid":"ES256""#, "Algorithm"),
        ("a shared secret", r#""alg":"HS256","kid":"ES256""#, "Algorithm"),
        ("the algorithm of another key", r#""alg":"ES384","kid":"ES256""#, "NoKey"),
        ("an RSA algorithm", r#""alg":"RS256","kid":"ES256""#, "NoKey"),
        ("another key", r#""alg":"ES384","kid":"ES384""#, "Signature"),
        ("an unknown key", r#""alg":"ES256","kid":"missing""#, "NoKey"),
        ("a key id that is a path", r#""alg":"ES256","kid":"../../etc/passwd""#, "NoKey"),
        ("a key id that is a statement", r#""alg":"ES256","kid":"' OR 1=1 --""#, "NoKey"),
        ("a key id that is a number", r#""alg":"ES256","kid":1"#, "KeyId"),
        ("a key id that is null", r#""alg":"ES256","kid":null"#, "KeyId"),
        ("a critical member", r#""alg":"ES256","kid":"ES256","crit":["exp"],"exp":1"#, "HeaderMember(\"crit\")"),
        ("an empty list of critical members", r#""alg":"ES256","kid":"ES256","crit":[]"#, "HeaderMember(\"crit\")"),
        ("a body that is not encoded", r#""alg":"ES256","kid":"ES256","b64":false"#, "HeaderMember(\"b64\")"),
        ("compressed", r#""alg":"ES256","kid":"ES256","zip":"DEF""#, "HeaderMember(\"zip\")"),
        ("nested", r#""alg":"ES256","kid":"ES256","cty":"JWT""#, "HeaderMember(\"cty\")"),
        ("encrypted", r#""alg":"ES256","kid":"ES256","enc":"A128GCM""#, "HeaderMember(\"enc\")"),
        ("an access token", r#""alg":"ES256","kid":"ES256","typ":"at+jwt""#, "Type"),
        ("a logout token", r#""alg":"ES256","kid":"ES256","typ":"logout+jwt""#, "Type"),
        ("the algorithm twice", r#""alg":"none","alg":"ES256","kid":"ES256""#, "Json(\"header\""),
        ("not an object", "", "Algorithm"),
    ] {
        by_header(name, members, expected);
    }

    let good = es.token("", &claims(""));
    let parts: Vec<&str> = good.split('.').collect();
    let (header, body, signature) = (parts[0], parts[1], parts[2]);
    let changed = part(&claims("sub=\"root\""));
    for (name, token, expected) in [
        ("no signature", format!("{header}.{body}."), "Signature"),
        ("two parts", format!("{header}.{body}"), "NotThreeParts"),
        ("an encrypted token", format!("{good}.a.b"), "NotThreeParts"),
        ("an opaque token", "ya29.opaque".to_owned(), "NotThreeParts"),
        ("nothing", String::new(), "NotThreeParts"),
        ("other claims", format!("{header}.{changed}.{signature}"), "Signature"),
        ("padding", format!("{header}.{body}.{signature}=="), "NotBase64"),
        ("the other alphabet", format!("{header}.{body}.{}", "+/".repeat(43)), "NotBase64"),
        ("a space", format!("{header}.{body}.{signature} "), "NotBase64"),
        ("a line break within", format!("{header}.\n{body}.{signature}"), "NotBase64"),
        ("a short signature", format!("{header}.{body}.{}", &signature[..84]), "Signature"),
        ("a signature of zeros", format!("{header}.{body}.{}", "A".repeat(86)), "Signature"),
        ("a byte order mark", format!("{}.{body}.{signature}", part("\u{feff}{}")), "Json(\"header\""),
    ] {
        let found = refusal(&token, &keys);
        assert!(found.starts_with(expected), "{name}: {found}");
    }
    // Trailing bits of the last character do not count, so a lenient decoder has several texts for one signature.
    let last = signature.chars().last().unwrap();
    let replaced = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        .chars()
        .filter(|c| *c != last)
        .map(|c| refusal(&format!("{header}.{body}.{}{c}", &signature[..85]), &keys));
    assert!(replaced.into_iter().all(|found| found != "accepted"));
}

#[test]
fn keys_in_the_header_are_not_used() {
    let (es, attacker) = (Signer::new("ES256"), Signer::new("ES256"));
    let keys = jwks(&[&es]);
    let own = attacker.jwk();
    for members in [
        format!(r#""alg":"ES256","kid":"ES256","jwk":{own}"#),
        r#""alg":"ES256","kid":"ES256","jku":"https://attacker.example.com/jwks""#.to_owned(),
        r#""alg":"ES256","kid":"ES256","x5u":"https://attacker.example.com/cert""#.to_owned(),
        r#""alg":"ES256","kid":"ES256","x5c":["MIIB"]"#.to_owned(),
    ] {
        assert_eq!(refusal(&attacker.token_with_header(&members, &claims("")), &keys), "Signature", "{members}");
        // They are ignored, not refused: issuers put certificates there.
        assert!(verify(&es.token_with_header(&members, &claims("")), &keys).is_ok(), "{members}");
    }
}

#[test]
fn clocks_may_differ_by_five_minutes() {
    let es = Signer::new("ES256");
    let keys = jwks(&[&es]);
    for change in [
        format!("exp={}", NOW - 299),
        format!("exp={}.5", NOW - 299),
        format!("iat={}", NOW + 300),
        format!("\"nbf\"={}", NOW + 300),
        "\"nbf\"=0".to_owned(),
    ] {
        assert!(verify(&es.token("", &claims(&change)), &keys).is_ok(), "{change}");
    }
}

#[test]
fn audiences_as_in_aws() {
    let es = Signer::new("ES256");
    let keys = jwks(&[&es]);
    let audience = |change: &str| {
        let token = verify(&es.token("", &claims(change)), &keys).unwrap();
        (token.audience().to_owned(), key(&token, "aud"), key(&token, "azp"), key(&token, "oaud"))
    };
    let one = |text: &str| Some(ClaimValue::One(text.to_owned()));
    let sts = "sts.amazonaws.com";
    assert_eq!(audience(""), (sts.to_owned(), one(sts), None, None));
    assert_eq!(audience("aud=[\"x\",\"second\"]"), ("second".to_owned(), one("second"), None, None));
    let both = audience("aud=[\"x\",\"y\"]\n\"azp\"=\"second\"");
    let many = Some(ClaimValue::Many(vec!["x".to_owned(), "y".to_owned()]));
    assert_eq!(both, ("second".to_owned(), one("second"), one("second"), many));
    // A claim of that name does not replace the audiences of the token.
    let named = audience("\"oaud\"=\"forged\"");
    assert_eq!(named.3, None);
}

fn key(token: &IdToken, name: &str) -> Option<ClaimValue> {
    token.keys().iter().find(|(own, _)| own == name).map(|(_, value)| value.clone())
}

#[test]
fn claims_as_condition_keys() {
    let es = Signer::new("ES256");
    let change = r#"
        "text"="reeds"
        "empty"=""
        "number"=7
        "negative"=-7
        "fraction"=0.5
        "large"=18446744073709551615
        "inexact"=36893488147419103232
        "flag"=true
        "nothing"=null
        "list"=["a",1,false]
        "none"=[]
        "nested"=[["a"]]
        "object"={"a":"b"}
        "a b"="space"
        "é"="beyond ASCII"
        "https://example.com/claim"="url"
        "amr"=["mfa","pwd"]"#;
    let token = verify(&es.token("", &claims(change)), &jwks(&[&es])).unwrap();
    let one = |text: &str| Some(ClaimValue::One(text.to_owned()));
    let many = |texts: &[&str]| Some(ClaimValue::Many(texts.iter().map(ToString::to_string).collect()));
    for (name, expected) in [
        ("sub", one("system:serviceaccount:reeds:heron")),
        ("iss", one(ISSUER)),
        ("exp", one("1900000600")),
        ("text", one("reeds")),
        ("empty", one("")),
        ("number", one("7")),
        ("negative", one("-7")),
        ("fraction", one("0.5")),
        ("large", one("18446744073709551615")),
        ("inexact", None),
        ("flag", one("true")),
        ("nothing", None),
        ("list", many(&["a", "1", "false"])),
        ("none", many(&[])),
        ("nested", None),
        ("object", None),
        ("a b", None),
        ("é", None),
        ("https://example.com/claim", one("url")),
        ("amr", many(&["mfa", "pwd"])),
        ("azp", None),
    ] {
        assert_eq!(key(&token, name), expected, "{name}");
    }
}

#[test]
fn tags_and_source_identity_in_both_forms() {
    let es = Signer::new("ES256");
    let keys = jwks(&[&es]);
    let read = |change: &str| verify(&es.token("", &claims(change)), &keys).unwrap().session().clone();
    let expected = SessionClaims {
        tags: vec![("Team".to_owned(), "reeds".to_owned()), ("job".to_owned(), String::new())],
        transitive_tag_keys: vec!["Team".to_owned()],
        source_identity: Some("heron".to_owned()),
    };
    let nested = r#"
        "https://aws.amazon.com/tags"={"principal_tags":{"Team":["reeds"],"job":""},"transitive_tag_keys":["Team"]}
        "https://aws.amazon.com/source_identity"="heron""#;
    assert_eq!(read(nested), expected);
    let flat = r#"
        "https://aws.amazon.com/tags/principal_tags/Team"="reeds"
        "https://aws.amazon.com/tags/principal_tags/job"=[""]
        "https://aws.amazon.com/tags/transitive_tag_keys"="Team"
        "https://aws.amazon.com/source_identity"="heron""#;
    assert_eq!(read(flat), expected);
    let both = format!("{nested}\n\"https://aws.amazon.com/tags/principal_tags/a\"=\"b\"");
    assert!(refusal(&es.token("", &claims(&both)), &keys).starts_with("Claim"));
}

#[test]
fn key_sets() {
    let check = |set: &str, expected: &str| {
        let found = match KeySet::parse(set.as_bytes()) {
            Ok(keys) => format!("{} keys", keys.len()),
            Err(error) => format!("{error:?}"),
        };
        assert!(found.starts_with(expected), "{set:.120}: {found}");
    };
    let set = |keys: &str| format!(r#"{{"keys":[{keys}]}}"#);
    let (es, rs, ed) = (Signer::new("ES256").jwk(), Signer::new("RS256").jwk(), Signer::new("EdDSA").jwk());
    check(&set(&es), "1 keys");
    check(&set(&format!("{es},{rs},{ed}")), "3 keys");
    check(&set(&format!(r#"{es},{{"kty":"oct","k":"AAAA"}},{{"kty":"new"}}"#)), "1 keys");
    check(&set(&vec![ed.clone(); MAX_KEYS].join(",")), "200 keys");
    check(&set(&vec![ed.clone(); MAX_KEYS + 1].join(",")), "TooManyKeys");
    check("{}", "NoArray");
    check(r#"{"keys":{}}"#, "NoArray");
    check(r#"{"keys":[],"keys":[]}"#, "Json");
    check("<html>", "Json");
    check(&" ".repeat(MAX_JWKS_BYTES + 1), "TooLarge");
    let without = |jwk: &str, member: &str, instead: &str| set(&jwk.replacen(member, instead, 1));
    for (name, text) in [
        ("empty", set("")),
        ("an entry that is not an object", set("1")),
        ("for encryption", without(&es, "{", r#"{"use":"enc","#)),
        ("for wrapping", without(&es, "{", r#"{"key_ops":["wrapKey"],"#)),
        ("with a private part", without(&es, "{", r#"{"d":"AA","#)),
        ("another curve", without(&es, "P-256", "secp256k1")),
        ("the wrong curve", without(&es, "P-256", "P-384")),
        ("an algorithm of another type", without(&es, "\"ES256\",\"crv", "\"RS256\",\"crv")),
        ("a shared secret", without(&rs, "RS256\",\"n", "HS256\",\"n")),
        ("none", without(&rs, "RS256\",\"n", "none\",\"n")),
        ("an exponent of one", without(&rs, "AQAB", "AQ")),
        ("an even exponent", without(&rs, "AQAB", "AQAA")),
        ("a weak key", set(r#"{"kty":"RSA","n":"{}","e":"AQAB"}"#).replace("{}", &format!("{}E", "_".repeat(170)))),
        (
            "a point that is not on the curve",
            set(&format!(r#"{{"kty":"EC","crv":"P-256","x":"{0}A","y":"{0}A"}}"#, "A".repeat(42))),
        ),
        ("an Ed25519 key of a wrong size", set(r#"{"kty":"OKP","crv":"Ed25519","x":"AAAA"}"#)),
        ("for key agreement", set(&format!(r#"{{"kty":"OKP","crv":"X25519","x":"{}A"}}"#, "A".repeat(42)))),
    ] {
        let found = KeySet::parse(text.as_bytes());
        assert!(matches!(found, Err(JwksError::NoKeys(_))), "{name}: {found:?}");
    }
}

#[test]
fn a_token_without_a_key_id_needs_one_key_of_its_algorithm() {
    let (first, second, other) = (Signer::new("ES256"), Signer::new("ES256"), Signer::new("ES384"));
    let token = first.token_with_header(r#""alg":"ES256""#, &claims(""));
    assert!(verify(&token, &jwks(&[&first, &other])).is_ok());
    assert_eq!(refusal(&token, &jwks(&[&first, &second])), "NoKey");
    // Two keys with one id are both tried.
    let named = first.token("", &claims(""));
    assert!(verify(&named, &jwks(&[&second, &first])).is_ok());
    assert_eq!(refusal(&named, &jwks(&[&second])), "Signature");
}

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::{option, prop_assert_eq, proptest};

use super::read::TYPES;
use super::*;

#[test]
fn the_built_in_catalogue_is_complete() {
    let text = include_str!("../../data/catalogue.json");
    let catalogue = Catalogue::parse(text).unwrap();
    assert_eq!(&catalogue, Catalogue::builtin());
    assert_eq!(Catalogue::parse(&catalogue.to_json()), Ok(catalogue.clone()));
    let prefixes: Vec<_> = catalogue.services().map(|service| &*service.prefix).collect();
    assert_eq!(prefixes, ["bailiwick", "cloudtrail", "iam", "sts"]);
    // Every key that an action or a resource brings has a type.
    for service in catalogue.services() {
        let keys = service.actions().flat_map(|action| &action.keys);
        for key in keys.chain(service.resources().flat_map(|resource| &resource.keys)) {
            assert!(catalogue.key(key).is_some(), "{key}");
        }
        assert!(service.actions().count() > 5);
        let unsaid = service.actions().find(|action| action.access.is_none());
        assert!(unsaid.is_none(), "{unsaid:?}");
    }
}

#[test]
fn names_are_found_in_any_case() {
    let catalogue = Catalogue::builtin();
    let name = |key: &str| catalogue.key(key).map(|key| &*key.name);
    assert_eq!(name("AWS:sourceip"), Some("aws:SourceIp"));
    assert_eq!(name("aws:PrincipalTag/a/b"), Some("aws:PrincipalTag/${TagKey}"));
    assert_eq!(name("iam:ResourceTag/x"), Some("iam:ResourceTag/${TagKey}"));
    assert_eq!(name("saml:aud"), Some("saml:aud"));
    assert_eq!(name("aws:PrincipalTag"), None);
    assert_eq!(name("accounts.example.com/a:sub"), None);
    let iam = catalogue.service("IAM").unwrap();
    assert_eq!(iam.action("passrole").map(|action| &*action.name), Some("PassRole"));
    for (pattern, expected) in [
        ("*rolepolic?", true),
        ("DoNothing", false),
        ("GetUser", true),
        ("getuse", false),
        ("GetUse?", true),
        ("GetUser*", true),
        ("GetUserX*", false),
        ("*", true),
        ("zzz*", false),
        ("Update?se*", true),
    ] {
        assert_eq!(iam.has_action(pattern, &Steps::new(u64::MAX)), expected, "{pattern}");
    }
    let (pass, list) = (iam.action("PassRole").unwrap(), iam.action("ListUsers").unwrap());
    assert!(iam.brings(pass, "iam:passedtoservice") && iam.brings(pass, "aws:ResourceTag/team"));
    assert!(!iam.brings(list, "iam:PassedToService"));
}

#[test]
fn invalid_catalogues_are_refused() {
    let check = |text: &str, expected: &str| {
        assert_eq!(Catalogue::parse(text).map_err(|error| error.to_string()), Err(expected.to_owned()), "{text}");
    };
    check("[]", "line 1, column 1: found an array, expected an object");
    check("{}", "line 1, column 1: found an object, expected a member `catalogue`, which is the format");
    check(r#"{"catalogue":2}"#, "line 1, column 14: in catalogue: found `2`, expected format `1`");
    check(
        r#"{"catalogue":1,"catalogue":1}"#,
        "line 1, column 16: in catalogue: found `catalogue`, expected each key once",
    );
    check(
        r#"{"catalogue":1,"services":{"photos":{"action":{}}}}"#,
        "line 1, column 38: in services.photos.action: found `action`, expected `principals`, `signingNames`, \
         `actors`, `keys`, `resources` or `actions`; did you mean `actions`?",
    );
    check(
        r#"{"catalogue":1,"services":{"photos":{"actions":{"Get":{"access":"read"}}}}}"#,
        "line 1, column 65: in services.photos.actions.Get.access: found `read`, expected one of `List`, `Read`, \
         `Write`, `Tagging` or `Permissions management`; did you mean `Read` (case counts)?",
    );
    check(
        r#"{"catalogue":1,"services":{"photos":{"actions":{"Get":{"access":["Read"]}}}}}"#,
        "line 1, column 65: in services.photos.actions.Get.access: found an array, expected one of `List`, `Read`, \
         `Write`, `Tagging` or `Permissions management`",
    );
    check(
        r#"{"catalogue":1,"keys":{"x:y":"Text"}}"#,
        "line 1, column 30: in keys[\"x:y\"]: found `Text`, expected one of `String`, `ARN`, `Bool`, `Date`, \
         `Numeric`, `IPAddress`, `Binary`, or `ArrayOf…`",
    );
    check(
        r#"{"catalogue":1,"services":{"photos":{"actions":{"Get":{"resources":["album"]}}}}}"#,
        "line 1, column 37: in services.photos: found none, expected a resource type `album` of the service, which an \
         action names",
    );
}

#[test]
fn services_are_added_and_removed() {
    let mut catalogue = Catalogue::builtin().clone();
    let mut photos = Service::new("Photos");
    photos.insert_action(Action { name: "GetAlbum".into(), access: None, resources: Vec::new(), keys: Vec::new() });
    let mut more = Catalogue::default();
    more.insert(photos.clone());
    catalogue.merge(more);
    assert_eq!(catalogue.service("photos"), Some(&photos));
    assert_eq!(Catalogue::parse(&catalogue.to_json()), Ok(catalogue.clone()));
    assert_eq!(catalogue.remove("PHOTOS"), Some(photos));
    assert_eq!(&catalogue, Catalogue::builtin());
}

#[test]
fn arns_fit_their_formats_part_by_part() {
    let check = |format: &str, arn: &str, expected: bool| {
        let resource = ResourceType { name: "it".into(), arns: vec![format.into()], keys: Vec::new() };
        assert_eq!(resource.fits(arn), expected, "{format} {arn}");
    };
    let album = "arn:${Partition}:photos:${Region}:${Account}:album/${AlbumId}";
    check(album, "arn:aws:photos:eu-central-1:111122223333:album/1", true);
    check(album, "arn:aws:photos:eu-central-1:111122223333:album/1/a:b", true);
    check(album, "arn:aws:photos:eu-central-1:111122223333:album/", false);
    check(album, "arn:aws:photos:eu-central-1:111122223333:Album/1", false);
    check(album, "arn:aws:photos:eu-central-1:111122223333:film/album/1", false);
    check(album, "arn:aws:photos::111122223333:album/1", false);
    check(album, "arn:aws:photos:eu-central-1::album/1", false);
    check(album, "arn:aws:films:eu-central-1:111122223333:album/1", false);
    check(album, "arn:aws:photos:a:b:c:album/1", false);
    check(album, "album/1", false);
    check("arn:${Partition}:photos:::${Name}", "arn:aws:photos:::it", true);
    check("arn:${Partition}:photos:::${Name}", "arn:aws:photos::111122223333:it", false);
    check("arn:aws:photos:::a*", "arn:aws:photos:::abc", true);
}

/// Any service that can be written down.
fn any_service() -> impl Strategy<Value = Service> {
    let texts = |pattern: &'static str| vec(pattern.prop_map(Into::into), 0..3);
    let key =
        ("[a-z]{1,4}:[A-Za-z/${}]{1,6}", 0..TYPES.len(), any::<bool>()).prop_map(|(name, family, multivalued)| {
            ConditionKey { name: name.into(), family: TYPES[family].0, multivalued }
        });
    let arn = "arn:aws:[a-z]{0,3}:[a-z]{0,2}:[0-9]{0,2}:[ -~é\\n]{0,9}".prop_map(Into::into);
    let resource = ("[ -~é]{0,6}", vec(arn, 0..3), texts("[ -~]{0,5}")).prop_map(|(name, arns, keys)| ResourceType {
        name: name.into(),
        arns,
        keys,
    });
    let action =
        ("[A-Za-z0-9]{1,6}", option::of(select(&AccessLevel::ALL[..])), vec(any::<Index>(), 0..3), texts(".{0,5}"));
    let names = (texts(".{0,9}"), texts("[a-z0-9-]{1,5}"), option::of(texts(".{0,9}")));
    let parts = (names, vec(key, 0..4), vec(resource, 0..4), vec(action, 0..4));
    ("[a-z0-9-]{1,5}", parts).prop_map(|(prefix, ((principals, signing_names, actors), keys, resources, actions))| {
        let mut service = Service { principals, signing_names, actors, ..Service::new(&prefix) };
        keys.into_iter().for_each(|key| service.insert_key(key));
        resources.into_iter().for_each(|resource| service.insert_resource(resource));
        let names: Vec<Box<str>> = service.resources().map(|resource| resource.name.clone()).collect();
        for (name, access, resources, keys) in actions {
            let resources = resources.iter().filter(|_| !names.is_empty()).map(|at| at.get(&names).clone()).collect();
            service.insert_action(Action { name: name.into(), access, resources, keys });
        }
        service
    })
}

proptest! {
    #[test]
    fn printed_catalogues_parse_back(complete: bool, services in vec(any_service(), 0..4)) {
        let mut catalogue = Catalogue { complete, ..Catalogue::default() };
        services.into_iter().for_each(|service| catalogue.insert(service));
        prop_assert_eq!(Catalogue::parse(&catalogue.to_json()), Ok(catalogue.clone()));
        prop_assert_eq!(Catalogue::parse(&catalogue.to_compact_json()), Ok(catalogue));
    }
}

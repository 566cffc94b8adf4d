use std::collections::BTreeMap;
use std::fs;

use super::*;
use crate::failure::Failure;

/// Variables and files of a test.
struct World {
    folder: tempfile::TempDir,
    variables: BTreeMap<String, String>,
}

impl World {
    fn new(config: &str, credentials: &str, variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(".aws")).unwrap();
        fs::write(folder.path().join(".aws/config"), config).unwrap();
        fs::write(folder.path().join(".aws/credentials"), credentials).unwrap();
        let mut all = BTreeMap::from([("HOME".to_owned(), folder.path().display().to_string())]);
        all.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        World { folder, variables: all }
    }

    fn with<T>(&self, work: impl FnOnce(&Environment<'_>, &Profiles) -> Result<T, Failure>) -> Result<T, String> {
        let variables = |name: &str| self.variables.get(name).cloned();
        let env = Environment(&variables);
        let found = Profiles::read(&env).and_then(|profiles| work(&env, &profiles));
        // Where the files are differs from run to run.
        found.map_err(|error| error.to_string().replace(&self.folder.path().display().to_string(), "~"))
    }

    fn settings(&self, flags: Flags<'_>) -> Result<String, String> {
        let settings = self.with(|env, profiles| Settings::resolve(flags, env, profiles))?;
        let ca = settings.ca_file.map(|file| format!(" {}", file.display())).unwrap_or_default();
        let ca = ca.replace(&self.folder.path().display().to_string(), "~");
        Ok(format!("{} {}{ca}", settings.endpoint, settings.region))
    }

    fn source(&self, flags: Flags<'_>) -> Result<String, String> {
        let now = "2026-03-01T12:00:00Z".parse().unwrap();
        self.with(|env, profiles| Source::find(flags, env, profiles, now)).map(|source| shown(&source))
    }
}

/// A source in words, with its secrets.
fn shown(source: &Source) -> String {
    let base = match &source.base {
        Base::Keys(keys) => {
            let token = keys.session_token.as_ref().map(|token| format!("/{}", token.as_str())).unwrap_or_default();
            format!("{}/{}{token}", keys.access_key_id, keys.secret_access_key.as_str())
        }
        Base::Process { command, .. } => format!("process {command}"),
        Base::WebIdentity { role: Role { arn, session_name, duration_seconds, .. }, token_file } => {
            format!("{arn} {session_name:?} {duration_seconds:?} by the token in {}", token_file.display())
        }
    };
    source.roles.iter().fold(base, |by, role| {
        let Role { arn, session_name, external_id, duration_seconds, mfa_serial, .. } = role;
        let mfa = mfa_serial.as_ref().map(|serial| format!(" with {serial}")).unwrap_or_default();
        format!("{arn} {session_name:?} {external_id:?} {duration_seconds:?}{mfa} by {by}")
    })
}

const PLAIN: Flags<'_> = Flags { profile: None, endpoint: None, region: None, ca_file: None };

fn profile(name: &str) -> Flags<'_> {
    Flags { profile: Some(name), ..PLAIN }
}

#[test]
fn settings_come_from_flags_then_variables_then_the_profile() {
    let config = "[default]\nregion = eu-north-1\nendpoint_url = https://default.example.com\nca_bundle = ~/ca.pem\n\
                  [profile dev]\nregion=eu-west-1\nservices = local\nendpoint_url=https://global.example.com\n\
                  [services local]\nsts =\n  endpoint_url = https://sts.example.com\ns3 =\n  endpoint_url = https://s3.example.com\n\
                  [profile quiet]\nignore_configured_endpoint_urls = true\nendpoint_url = https://quiet.example.com\n\
                  [profile lost]\nservices = nowhere\n[bare]\nregion = a-b-1\n";
    let check = |variables: &[(&str, &str)], flags: Flags<'_>, expected: &str| {
        let found = World::new(config, "", variables).settings(flags).unwrap_or_else(|error| error);
        assert_eq!(found, expected, "{variables:?}");
    };
    check(&[], PLAIN, "https://default.example.com eu-north-1 ~/ca.pem");
    check(&[("AWS_DEFAULT_REGION", "a-b-1")], PLAIN, "https://default.example.com a-b-1 ~/ca.pem");
    check(
        &[("AWS_DEFAULT_REGION", "a-b-1"), ("AWS_REGION", "c-d-2")],
        PLAIN,
        "https://default.example.com c-d-2 ~/ca.pem",
    );
    let flags =
        Flags { endpoint: Some("127.0.0.1:1"), region: Some("e-f-3"), ca_file: Some("x.pem".as_ref()), ..PLAIN };
    let set =
        [("AWS_REGION", "c-d-2"), ("AWS_ENDPOINT_URL_IAM", "https://iam.example.com"), ("AWS_CA_BUNDLE", "y.pem")];
    check(&set, flags, "http://127.0.0.1:1 e-f-3 x.pem");
    check(&set, PLAIN, "https://iam.example.com c-d-2 y.pem");
    let (global, sts) =
        (("AWS_ENDPOINT_URL", "https://all.example.com"), ("AWS_ENDPOINT_URL_STS", "https://sts1.example.com"));
    check(&[global], PLAIN, "https://all.example.com eu-north-1 ~/ca.pem");
    check(&[global, sts], PLAIN, "https://sts1.example.com eu-north-1 ~/ca.pem");
    check(&[], profile("dev"), "https://sts.example.com eu-west-1");
    check(&[("AWS_PROFILE", "dev")], PLAIN, "https://sts.example.com eu-west-1");
    check(&[("AWS_DEFAULT_PROFILE", "dev"), global], PLAIN, "https://all.example.com eu-west-1");
    check(&[("AWS_PROFILE", "none")], profile("dev"), "https://sts.example.com eu-west-1");
    check(&[], profile("quiet"), "http://127.0.0.1:7470 us-east-1");
    let ignored = ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
    check(&[ignored, global], PLAIN, "http://127.0.0.1:7470 eu-north-1 ~/ca.pem");
    // Errors name the setting that caused them.
    check(&[], profile("dve"), "there is no profile `dve` in ~/.aws/config or ~/.aws/credentials; did you mean `dev`?");
    check(
        &[],
        profile("bare"),
        "there is no profile `bare`: the config file has a section [bare], which must be [profile bare]",
    );
    let malformed = "is not a valid region: expected lower-case letters, digits and hyphens, such as eu-central-1";
    check(&[], Flags { region: Some("x y"), ..PLAIN }, &format!("`x y` {malformed}"));
    check(&[("AWS_REGION", "US")], PLAIN, &format!("`US` {malformed}"));
    check(&[], profile("lost"), "a profile names [services nowhere], which does not exist");
    check(
        &[("AWS_ENDPOINT_URL_STS", "localhost")],
        PLAIN,
        "AWS_ENDPOINT_URL_STS: `localhost` has no port: write http://localhost:7470",
    );
}

#[test]
fn files_elsewhere_and_files_that_are_broken() {
    let world = World::new("[default\n", "", &[]);
    let expected = "~/.aws/config:1: expected a section such as [default] before the first setting";
    assert_eq!(world.settings(PLAIN), Err(expected.to_owned()));
    let mut world = World::new("", "[a]\nregion = x-y-1\nregion = z\n", &[]);
    assert_eq!(world.settings(PLAIN), Err("~/.aws/credentials:3: `region` is duplicated in its section".to_owned()));
    let elsewhere = world.folder.path().join("elsewhere");
    fs::write(&elsewhere, "[default]\nregion = x-y-1\n").unwrap();
    world.variables.insert("AWS_CONFIG_FILE".into(), elsewhere.display().to_string());
    world.variables.insert("AWS_SHARED_CREDENTIALS_FILE".into(), "/nowhere/at/all".into());
    assert_eq!(world.settings(PLAIN), Ok("http://127.0.0.1:7470 x-y-1".to_owned()));
}

const CREDENTIALS: &str = "[default]\naws_access_key_id = AD\naws_secret_access_key = sd\n\
                           [dev]\naws_access_key_id=AV\naws_secret_access_key=sv\naws_session_token=tv\n\
                           [half]\naws_access_key_id=AH\n[both]\naws_access_key_id=AB\naws_secret_access_key=sb\n";

#[test]
fn keys_come_from_variables_then_the_profile() {
    let config = "[profile plain]\naws_access_key_id=AP\naws_secret_access_key=sp\n\
                  [profile both]\naws_access_key_id=other\naws_secret_access_key=so\nregion=a-b-1\n\
                  [profile program]\ncredential_process = /bin/echo 'a b'\naws_access_key_id=AX\naws_secret_access_key=sx\n\
                  [profile late]\naws_access_key_id=AL\naws_secret_access_key=sl\naws_expiration=2026-03-01T12:00:00Z\n\
                  [profile early]\naws_access_key_id=AY\naws_secret_access_key=sy\naws_expiration=2026-03-01T12:00:01Z\n\
                  [profile empty]\nregion = a-b-1\n[half]\nnot = a profile\n";
    let check = |variables: &[(&str, &str)], flags: Flags<'_>, expected: &str| {
        let found = World::new(config, CREDENTIALS, variables).source(flags).unwrap_or_else(|error| error);
        assert_eq!(found, expected, "{variables:?} {:?}", flags.profile);
    };
    let set = [("AWS_ACCESS_KEY_ID", "AE"), ("AWS_SECRET_ACCESS_KEY", "se")];
    let with = |more: (&'static str, &'static str)| [set[0], set[1], more];
    check(&[], PLAIN, "AD/sd");
    check(&set, PLAIN, "AE/se");
    check(&with(("AWS_SESSION_TOKEN", "te")), PLAIN, "AE/se/te");
    // As with the AWS CLI, only the flag comes before the variables.
    check(&with(("AWS_PROFILE", "dev")), PLAIN, "AE/se");
    check(&set, profile("dev"), "AV/sv/tv");
    check(&[("AWS_PROFILE", "dev")], PLAIN, "AV/sv/tv");
    check(&[], profile("plain"), "AP/sp");
    // The credentials file comes before the config file, and keys there before a program.
    check(&[], profile("both"), "AB/sb");
    check(&[], profile("program"), "process /bin/echo 'a b'");
    check(&[], profile("early"), "AY/sy");
    check(
        &[],
        profile("late"),
        "the credentials of profile `late` expired at 2026-03-01T12:00:00Z; `bailiwick login --profile late` signs in again",
    );
    check(&[], profile("half"), "profile `half` has `aws_access_key_id` without `aws_secret_access_key`");
    check(&set[..1], PLAIN, "AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not");
    check(
        &with(("AWS_CREDENTIAL_EXPIRATION", "2026-03-01T11:59:59Z")),
        PLAIN,
        "the credentials in the AWS_… variables expired at 2026-03-01T11:59:59Z",
    );
    check(&with(("AWS_CREDENTIAL_EXPIRATION", "2026-03-01T12:00:01Z")), PLAIN, "AE/se");
    check(
        &[],
        profile("empty"),
        "there are no credentials to sign with: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile that has \
         some with --profile or AWS_PROFILE (`empty` has none)",
    );
    check(
        &[("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1/token")],
        profile("empty"),
        "AWS_CONTAINER_CREDENTIALS_FULL_URI is set, but credentials of that kind are not supported: set AWS_ACCESS_KEY_ID and \
         AWS_SECRET_ACCESS_KEY",
    );
    let web = [("AWS_WEB_IDENTITY_TOKEN_FILE", "/token"), ("AWS_ROLE_ARN", "R"), ("AWS_ROLE_SESSION_NAME", "n")];
    check(&web[..1], PLAIN, "AWS_WEB_IDENTITY_TOKEN_FILE is set, but AWS_ROLE_ARN is not");
    check(&web, PLAIN, r#"R Some("n") None by the token in /token"#);
    // Keys in variables come first, and so does a profile that is named.
    check(&[&web[..], &set[..]].concat(), PLAIN, "AE/se");
    check(&web, profile("half"), "profile `half` has `aws_access_key_id` without `aws_secret_access_key`");
}

#[test]
fn roles_are_assumed_through_other_profiles() {
    let config = "[profile deploy]\nrole_arn = R1\nsource_profile = dev\nexternal_id = x\nrole_session_name = n\nduration_seconds = 900\n\
                  [profile chain]\nrole_arn = R2\nsource_profile = deploy\n\
                  [profile self]\nrole_arn = R3\nsource_profile = self\naws_access_key_id=AS\naws_secret_access_key=ss\n\
                  [profile env]\nrole_arn = R4\ncredential_source = Environment\n\
                  [profile program]\ncredential_process = p\n[profile by-program]\nrole_arn=R5\nsource_profile=program\n\
                  [profile loop-a]\nrole_arn=R\nsource_profile=loop-b\n[profile loop-b]\nrole_arn=R\nsource_profile=loop-a\n\
                  [profile lonely]\nrole_arn=R\n[profile two]\nrole_arn=R\nsource_profile=dev\ncredential_source=Environment\n\
                  [profile gone]\nrole_arn=R\nsource_profile=missing\n[profile bare]\nregion=a-b-1\n\
                  [profile of-bare]\nrole_arn=R\nsource_profile=bare\n[profile mfa]\nrole_arn=R\nsource_profile=dev\nmfa_serial=s\n\
                  [profile ec2]\nrole_arn=R\ncredential_source=Ec2InstanceMetadata\n[profile odd]\nrole_arn=R\ncredential_source=x\n\
                  [profile long]\nrole_arn=R\nsource_profile=dev\nduration_seconds=an hour\n\
                  [profile web]\nrole_arn=R6\nweb_identity_token_file=/t\nduration_seconds=900\n\
                  [profile by-web]\nrole_arn=R7\nsource_profile=web\n[profile web-alone]\nweb_identity_token_file=/t\n[profile sso]\nsso_session=s\n[profile login]\nlogin_session=s\n";
    let set = [("AWS_ACCESS_KEY_ID", "AE"), ("AWS_SECRET_ACCESS_KEY", "se")];
    let check_with = |variables: &[(&str, &str)], name: &str, expected: &str| {
        let found = World::new(config, CREDENTIALS, variables).source(profile(name)).unwrap_or_else(|error| error);
        assert!(found.starts_with(expected), "{name}: {found}");
    };
    let check = |name: &str, expected: &str| check_with(&[], name, expected);
    check("deploy", r#"R1 Some("n") Some("x") Some(900) by AV/sv/tv"#);
    check("chain", r#"R2 None None None by R1 Some("n") Some("x") Some(900) by AV/sv/tv"#);
    check("self", "R3 None None None by AS/ss");
    check("mfa", "R None None None with s by AV/sv/tv");
    check("by-program", "R5 None None None by process p");
    check("web", "R6 None Some(900) by the token in /t");
    check("by-web", "R7 None None None by R6 None Some(900) by the token in /t");
    check_with(&set, "env", "R4 None None None by AE/se");
    check("env", "profile `env`: `credential_source` is `Environment`, but AWS_ACCESS_KEY_ID is not set");
    check("loop-a", "the profiles `loop-a` → `loop-b` → `loop-a` are each other's `source_profile`");
    check("lonely", "profile `lonely` has `role_arn`, but neither `source_profile` nor `credential_source`");
    check("two", "profile `two` has both `source_profile` and `credential_source`");
    check("gone", "profile `gone`: `source_profile` names `missing`, which does not exist");
    check("of-bare", "profile `bare`, which `of-bare` names as `source_profile`, has no credentials");
    check("long", "profile `long`: `duration_seconds` is not a number of seconds");
    check("odd", "profile `odd`: `credential_source` is `x`, expected `Environment`");
    // What is not supported is refused by name, with what to do.
    check("ec2", "profile `ec2`: `credential_source = Ec2InstanceMetadata` is not supported; use `Environment`");
    check("web-alone", "profile `web-alone` has `web_identity_token_file`, but no `role_arn` to assume with it");
    check("sso", "profile `sso`: `sso_session` is not supported; let the AWS CLI sign in");
    check("login", "profile `login`: `login_session` is not supported; let the AWS CLI sign in");
}

#[test]
fn keys_show_no_secret() {
    let keys = Keys {
        access_key_id: "AKID".into(),
        secret_access_key: "hidden".to_owned().into(),
        session_token: Some("token".to_owned().into()),
        expiration: None,
    };
    assert_eq!(format!("{keys:?}"), "Keys { access_key_id: \"AKID\", .. }");
}

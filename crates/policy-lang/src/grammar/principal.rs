//! `Principal` and `NotPrincipal`, and which kinds of policies have them.

use super::Grammar;
use super::statement::Element;
use crate::document::{Effect, Principal, PrincipalElement, PrincipalEntry, Text};
use crate::error::ErrorKind;
use crate::json::{Node, NodeKind, quoted};
use crate::kind::PolicyKind;
use crate::principal::{PrincipalKind, PrincipalName};
use crate::suggest::nearest;

impl Grammar {
    pub(super) fn principal(
        &mut self,
        statement: Node<'_, '_>,
        element: Option<Element<'_, '_>>,
        effect: Option<Effect>,
        missing: (String, Option<&'static str>),
    ) -> Option<PrincipalElement> {
        let Some(Element { negated, key, value }) = element else {
            if self.kind.has_principal() {
                let expected = if self.takes_not_principal() { "`Principal` or `NotPrincipal`" } else { "`Principal`" };
                self.missing(ErrorKind::MissingPrincipal, statement, missing, expected);
            }
            return None;
        };
        if !self.kind.has_principal() {
            let article = if self.kind == PolicyKind::Identity { "an" } else { "a" };
            let expected =
                format!("no principal: {article} {} applies to the identity that it is attached to", self.kind);
            self.problem(ErrorKind::ForbiddenPrincipal, key.span(), quoted(&key.text()), expected);
        } else if negated && !self.takes_not_principal() {
            let expected = "`Principal`";
            self.problem(ErrorKind::ForbiddenNotPrincipal, key.span(), quoted(&key.text()), expected);
        } else if negated && effect == Some(Effect::Allow) {
            let expected = "`Principal` with `Allow`: `NotPrincipal` goes with `Deny` alone";
            self.problem(ErrorKind::AllowNotPrincipal, key.span(), quoted(&key.text()), expected);
        }
        let principal = self.principal_value(value)?;
        if self.kind == PolicyKind::Rcp && principal != Principal::Everyone {
            let found = format!("{} of principals", value.describe());
            self.problem(ErrorKind::PrincipalFormat, value.span(), found, "`*`");
        }
        Some(PrincipalElement { negated, principal, span: value.span() })
    }

    fn takes_not_principal(&self) -> bool {
        matches!(self.kind, PolicyKind::Resource | PolicyKind::Endpoint)
    }

    fn principal_value(&mut self, value: Node<'_, '_>) -> Option<Principal> {
        if value.is_string() && value.text() == "*" {
            return Some(Principal::Everyone);
        }
        if value.kind() != NodeKind::Object {
            let found = if value.is_string() { quoted(&value.text()) } else { value.describe().to_owned() };
            let expected = "`*`, or an object such as `{\"AWS\": …}`";
            self.problem(ErrorKind::PrincipalFormat, value.span(), found, expected);
            return None;
        }
        let mut entries = Vec::new();
        for (key, values) in value.members() {
            let name = key.text();
            let Some(kind) = PrincipalKind::parse(&name) else {
                let expected = "`AWS`, `Service`, `Federated` or `CanonicalUser`";
                let meant = nearest(&name, PrincipalKind::ALL.map(PrincipalKind::name));
                self.misspelt(ErrorKind::PrincipalKey, key.span(), &name, expected, meant);
                continue;
            };
            let (values, array) = self.strings(values, ErrorKind::EmptyPrincipal);
            for value in &values {
                self.principal_name(kind, value);
            }
            entries.push(PrincipalEntry { kind, kind_span: key.span(), values, array });
        }
        if value.members().next().is_none() {
            self.problem(ErrorKind::EmptyPrincipal, value.span(), "an empty object", "at least one kind of principal");
        }
        Some(Principal::Map(entries))
    }

    fn principal_name(&mut self, kind: PrincipalKind, value: &Text) {
        let text = &*value.value;
        if PrincipalName::parse(kind, text).is_some() {
            return;
        }
        let error = if text.contains(['*', '?']) { ErrorKind::PrincipalWildcard } else { ErrorKind::PrincipalValue };
        self.problem(error, value.span, quoted(text), expected(kind));
    }
}

/// What a principal of this kind looks like.
fn expected(kind: PrincipalKind) -> &'static str {
    match kind {
        PrincipalKind::Aws => {
            "`*`, an account id, or the ARN of an account's root, of a user, a role, an assumed-role session or a \
             federated-user session"
        }
        PrincipalKind::Service => "a service principal such as `ec2.amazonaws.com`",
        PrincipalKind::Federated => "the ARN of a SAML or OIDC provider, or a provider's domain",
        PrincipalKind::CanonicalUser => "64 hexadecimal digits",
    }
}

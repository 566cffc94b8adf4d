//! The deployment as an organization: its ids.

use bailiwick_operation::Cx;

/// The id of the organization: `o-` and ten letters or digits of the id of the cluster.
pub(crate) fn organization_id(cx: &Cx) -> String {
    id(cx, "o-", 10)
}

/// The id of the organization's root: `r-` and four letters or digits of the id of the cluster.
pub(crate) fn organization_root(cx: &Cx) -> String {
    id(cx, "r-", 4)
}

fn id(cx: &Cx, prefix: &str, length: usize) -> String {
    let own = cx.deployment().cluster_id.chars().filter(char::is_ascii_alphanumeric);
    own.chain(std::iter::repeat('0')).take(length).fold(prefix.to_owned(), |mut id, c| {
        id.push(c.to_ascii_lowercase());
        id
    })
}

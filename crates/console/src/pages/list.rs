//! Lists of users, groups, roles and policies: searched, sorted, and paged in the server.
//!
//! By name, a page is one call with a marker. What the API does not offer, another order or a part of a name, needs the
//! whole list: it is read by calls of the person, and kept for some seconds if it takes more than one ([`crate::lists`]). A
//! request makes few of them, so that none takes long: the next one goes on.

mod order;

use std::pin::Pin;

use askama::Template;
use jiff::Timestamp;

use self::order::{Order, window};
use crate::lists::{self, Kept, Listed};
use crate::person::{Page, Person};
use crate::request::{CallError, Called};
use crate::view::{Cell, Chrome, Head, Moment, Pager, Problem, Sorted, Table, url};

pub(super) use self::order::By;

/// How many items a page has, and how many with the columns that need calls for each item.
const SHOWN: usize = 100;
const SHOWN_WITH_MORE: usize = 25;
/// How many items are read at once to search and sort.
const READ: i32 = 1000;
/// How many calls of that size a request makes beside the first.
const READS: usize = 9;
/// How many items are searched and sorted at most.
const MOST: usize = 200_000;

/// The items that a call lists, and the marker of the next call.
pub(super) type Listing<'a> = Pin<Box<dyn Future<Output = Called<(Vec<Listed>, Option<String>)>> + Send + 'a>>;
/// The cells of an item that need calls of their own.
pub(super) type MoreCells<'a> = Pin<Box<dyn Future<Output = Called<Vec<Cell>>> + Send + 'a>>;

/// What is listed.
pub(super) trait Noun {
    /// The heading, and the path after `/console/`.
    const TITLE: &'static str;
    const PATH: &'static str;
    /// One sentence about the noun.
    const ABOUT: &'static str;
    /// What an empty list says.
    const EMPTY: &'static str;
    /// The address and label of the button that creates one.
    const CREATE: (&'static str, &'static str);
    /// The columns, with what they are sorted by.
    const COLUMNS: &'static [(&'static str, Option<By>)];
    /// The columns that need calls for each item, and the label of the link that shows them; empty if there are none.
    const MORE: (&'static str, &'static [&'static str]) = ("", &[]);

    /// The name under which the list is kept. `is_search`: something is searched for.
    fn kept_as(_is_search: bool) -> &'static str {
        Self::PATH
    }

    /// Lists some items by name.
    fn read<'a>(person: &'a Person<'a>, asked: Part) -> Listing<'a>;

    /// The cells of an item.
    fn cells(person: &Person<'_>, item: &Listed) -> Vec<Cell>;

    /// The cells of [`MORE`](Self::MORE).
    fn more<'a>(_: &'a Person<'a>, _: &'a str) -> MoreCells<'a> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

/// Which part of a list a call reads.
#[derive(Clone, Default)]
pub(super) struct Part {
    pub(super) path_prefix: Option<String>,
    pub(super) marker: Option<String>,
    pub(super) max_items: Option<i32>,
    /// Whether something is searched for.
    pub(super) is_search: bool,
}

/// What is searched for, and in which order.
struct Asked {
    text: String,
    order: Order,
    /// The page of a list that is searched or sorted, from 0.
    page: usize,
    marker: Option<String>,
    /// How many items the page has.
    shown: usize,
}

/// The items of a page.
#[derive(Default)]
struct Found {
    items: Vec<Listed>,
    /// The marker of the next page of a list by name.
    marker: Option<String>,
    /// The list that was searched and sorted, if one was.
    of: Option<Of>,
}

/// What a page is a part of.
struct Of {
    found: usize,
    /// How many items were searched and sorted, whether these are all, and whether the next request reads more of them.
    read: usize,
    is_whole: bool,
    goes_on: bool,
    /// When they were read, if that was before this request.
    read_at: Option<Timestamp>,
}

/// Answers with the page of a list.
pub(super) async fn answer<N: Noun>(person: &Person<'_>) -> Page {
    let query = person.query();
    let has_more = !N::MORE.1.is_empty() && query.is_set("more");
    let shown = if has_more { SHOWN_WITH_MORE } else { SHOWN };
    let order = Order::parse(query.raw("sort"), N::COLUMNS);
    let page = query.number("page").map_or(0, |page| usize::try_from(page - 1).unwrap_or_default());
    let asked = Asked { text: query.typed("q"), order, page, marker: query.text("marker"), shown };
    let (found, problem) = match find::<N>(person, &asked).await {
        Ok(found) => (found, None),
        Err(error) => (Found::default(), Some(error)),
    };
    let mut rows: Vec<_> = found.items.iter().map(|item| N::cells(person, item)).collect();
    let more = if has_more { add_more::<N>(person, &found.items, &mut rows).await } else { Ok(()) };
    let heads = N::COLUMNS.iter().map(|(label, by)| head(person, N::PATH, label, *by, asked.order));
    let more_heads = N::MORE.1.iter().filter(|_| has_more).map(|label| Head::new(label));
    let empty = if asked.text.is_empty() { N::EMPTY } else { "Nothing is found: try a shorter part of the name." };
    let table = person.table(N::TITLE, &[], empty).heads(heads.chain(more_heads).collect());
    let table = match &problem {
        None => table.rows(Ok(rows)),
        Some(error) => table.rows(Err(Problem::new(error))),
    };
    let more_link = (!N::MORE.1.is_empty()).then(|| {
        let (value, label) = if has_more { ("", "Show fewer columns") } else { ("1", N::MORE.0) };
        (address(person, N::PATH, &[("more", value), ("page", ""), ("marker", "")]), label)
    });
    person.page(&ListPage {
        chrome: person.chrome(N::TITLE),
        about: N::ABOUT,
        create: N::CREATE,
        query: query.typed("q"),
        sort: query.typed("sort"),
        is_more: has_more,
        more_link,
        more_problem: more.err().map(|error| Problem::new(&error)),
        note: note(person, &asked, &found),
        goes_on: found.of.as_ref().is_some_and(|of| of.goes_on).then(|| address(person, N::PATH, &[])),
        table,
        pager: pager(person, N::PATH, &asked, &found),
    })
}

async fn find<N: Noun>(person: &Person<'_>, asked: &Asked) -> Called<Found> {
    let (path, name) = match asked.text.starts_with('/') {
        true => (asked.text.as_str(), ""),
        false => ("", asked.text.as_str()),
    };
    let is_search = !asked.text.is_empty();
    if asked.order.is_by_name() && name.is_empty() {
        let path_prefix = Some(path.to_owned()).filter(|path| !path.is_empty());
        let max_items = i32::try_from(asked.shown).ok();
        let part = Part { path_prefix, marker: asked.marker.clone(), max_items, is_search };
        let (items, marker) = N::read(person, part).await?;
        return Ok(Found { items, marker, of: None });
    }
    let (kept, is_kept) = read::<N>(person, is_search).await?;
    let items: Vec<&Listed> = kept.parts.iter().flat_map(|part| part.iter()).collect();
    let name = name.to_ascii_lowercase();
    let is_found = |item: &Listed| item.path.starts_with(path) && contains(&item.name, &name);
    let (found, at) = window(&items, is_found, asked.order, asked.page * asked.shown, asked.shown);
    let read = items.len();
    let items = at.into_iter().map(|at| items[at].clone()).collect();
    let of = Of {
        found,
        read,
        goes_on: kept.marker.is_some() && read < MOST,
        is_whole: kept.marker.is_none(),
        read_at: is_kept.then_some(kept.begun),
    };
    Ok(Found { items, marker: None, of: Some(of) })
}

/// The first items whose names have this part, as far as the list is read.
pub(super) async fn named<N: Noun>(person: &Person<'_>, part: &str, most: usize) -> Called<Vec<Listed>> {
    if part.is_empty() {
        let asked = Part { max_items: i32::try_from(most).ok(), ..Part::default() };
        return N::read(person, asked).await.map(|(items, _)| items);
    }
    let part = part.to_ascii_lowercase();
    let (kept, _) = read::<N>(person, true).await?;
    let items = kept.parts.iter().flat_map(|part| part.iter());
    Ok(items.filter(|item| contains(&item.name, &part)).take(most).cloned().collect())
}

/// The list by name, as far as it is read, and whether it is kept.
async fn read<N: Noun>(person: &Person<'_>, is_search: bool) -> Called<(Kept, bool)> {
    let (lists, now) = (&person.request.context.lists, person.request.now);
    let of =
        lists::Of { account: person.account(), reader: person.form_token().to_owned(), noun: N::kept_as(is_search) };
    let mut part = Part { max_items: Some(READ), is_search, ..Part::default() };
    // Also what is kept is shown only to those who may list it.
    let (items, marker) = N::read(person, part.clone()).await?;
    let mut first = Kept::new(now);
    first.add(items, marker, now);
    if first.marker.is_none() {
        return Ok((first, false));
    }
    let mut kept = lists.find(&of, now).unwrap_or(first);
    for _ in 0..READS {
        if kept.marker.is_none() || kept.len() >= MOST {
            break;
        }
        part.marker = kept.marker.take();
        let (items, marker) = N::read(person, part.clone()).await?;
        kept.add(items, marker, now);
        lists.keep(&of, kept.clone());
    }
    Ok((kept, true))
}

/// Adds the cells that need calls. The first call that fails ends them.
async fn add_more<N: Noun>(person: &Person<'_>, items: &[Listed], rows: &mut [Vec<Cell>]) -> Result<(), CallError> {
    let mut failed = None;
    for (item, row) in items.iter().zip(rows) {
        let cells = match failed {
            None => N::more(person, &item.name).await,
            Some(_) => Ok(Vec::new()),
        };
        row.extend(cells.unwrap_or_else(|error| {
            failed = Some(error);
            Vec::new()
        }));
        row.resize_with(N::COLUMNS.len() + N::MORE.1.len(), || Cell::text(None));
    }
    failed.map_or(Ok(()), Err)
}

/// The head of a column: a link that sorts by it, and turns the order round if it is sorted by it already.
fn head(person: &Person<'_>, path: &str, label: &'static str, by: Option<By>, order: Order) -> Head {
    let Some(by) = by else { return Head::new(label) };
    let own = (order.by == by).then_some(order);
    let url = address(person, path, &[("sort", &order.after(by)), ("page", ""), ("marker", "")]);
    let sorted = own.map(|order| if order.is_descending { Sorted::Descending } else { Sorted::Ascending });
    Head::sorting(label, url, sorted)
}

/// The address of the list with these members changed.
fn address(person: &Person<'_>, path: &str, changed: &[(&str, &str)]) -> String {
    let own = ["q", "sort", "more", "page", "marker"].map(|name| {
        let given = changed.iter().find(|(changed, _)| *changed == name);
        (name, given.map_or_else(|| person.query().raw(name), |(_, value)| value))
    });
    url(path, &own.into_iter().filter(|(_, value)| !value.is_empty()).collect::<Vec<_>>())
}

fn pager(person: &Person<'_>, path: &str, asked: &Asked, found: &Found) -> Pager {
    let Some(of) = &found.of else {
        return person.pager(path, &["q", "sort", "more"], found.marker.as_deref());
    };
    let to = |page: usize| address(person, path, &[("page", &(page + 1).to_string()), ("marker", "")]);
    let first = (asked.page > 0).then(|| address(person, path, &[("page", ""), ("marker", "")]));
    let previous = asked.page.checked_sub(1).filter(|page| *page > 0).map(to);
    let next = ((asked.page + 1) * asked.shown < of.found).then(|| to(asked.page + 1));
    Pager { first, previous, next }
}

/// How many there are, and of when.
fn note(person: &Person<'_>, asked: &Asked, found: &Found) -> String {
    let Some(of) = &found.of else { return String::new() };
    let (first, shown) = (asked.page * asked.shown, found.items.len());
    let count = if shown == of.found {
        format!("{shown} found.")
    } else {
        format!("{} to {} of {}.", first + 1, first + shown, of.found)
    };
    let count = if shown == 0 { format!("{} found.", of.found) } else { count };
    let part = match (of.is_whole, of.goes_on) {
        (true, _) => String::new(),
        (false, true) => format!(" Of the first {} by name.", of.read),
        (false, false) => format!(" Of the first {} by name: no more are searched and sorted.", of.read),
    };
    let read_at = of.read_at.map(|at| prost_types::Timestamp { seconds: at.as_second(), nanos: 0 });
    let age = read_at.map(|at| format!(" As of {}.", Moment::new(Some(&at), person.request.now).relative));
    format!("{count}{part}{}", age.unwrap_or_default())
}

/// Whether a name has this part, which is in lower case. Names are ASCII.
fn contains(name: &str, part: &str) -> bool {
    part.is_empty() || name.to_ascii_lowercase().contains(part)
}

/// The seconds of a time.
pub(super) fn seconds(time: Option<&prost_types::Timestamp>) -> Option<i64> {
    time.map(|time| time.seconds)
}

/// A text of a message, without spare memory.
pub(super) fn compact(text: Option<String>) -> Box<str> {
    text.unwrap_or_default().into_boxed_str()
}

#[derive(Template)]
#[template(path = "list.html")]
struct ListPage {
    chrome: Chrome,
    about: &'static str,
    create: (&'static str, &'static str),
    query: String,
    sort: String,
    is_more: bool,
    more_link: Option<(String, &'static str)>,
    more_problem: Option<Problem>,
    note: String,
    /// The address that reads and searches more.
    goes_on: Option<String>,
    table: Table,
    pager: Pager,
}

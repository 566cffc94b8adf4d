//! The orders of a list.

use crate::lists::Listed;

/// What a list is sorted by.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::pages) enum By {
    Name,
    Created,
    Used,
    Count,
}

/// An order: as the address has it, `created`, or `-created` for the other way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Order {
    pub(super) by: By,
    pub(super) is_descending: bool,
}

impl By {
    fn word(self) -> &'static str {
        match self {
            By::Name => "name",
            By::Created => "created",
            By::Used => "used",
            By::Count => "count",
        }
    }
}

impl Order {
    /// The order of an address; by name if the list has no such column.
    pub(super) fn parse(text: &str, columns: &[(&str, Option<By>)]) -> Self {
        let (word, is_descending) = text.strip_prefix('-').map_or((text, false), |word| (word, true));
        let by = columns.iter().filter_map(|(_, by)| *by).find(|by| by.word() == word);
        by.map_or(Order { by: By::Name, is_descending: false }, |by| Order { by, is_descending })
    }

    /// Whether it is the order of the API.
    pub(super) fn is_by_name(self) -> bool {
        self == Order { by: By::Name, is_descending: false }
    }

    /// The order that the head of a column leads to. Times and counts begin with the greatest.
    pub(super) fn after(self, by: By) -> String {
        let is_descending = if self.by == by { !self.is_descending } else { by != By::Name };
        format!("{}{}", if is_descending { "-" } else { "" }, by.word())
    }

    /// What is compared: equals are in the order of names.
    fn key(self, items: &[&Listed], at: usize) -> (i64, usize) {
        let item = items[at];
        let value = match self.by {
            By::Name => i64::try_from(at).unwrap_or(i64::MAX),
            By::Created => item.created,
            // What was never used is older than everything.
            By::Used => item.used.unwrap_or(i64::MIN + 1),
            By::Count => item.count.into(),
        };
        (if self.is_descending { value.saturating_neg() } else { value }, at)
    }
}

/// How many items of a list, which is in the order of names, are found, and where those of a part of them are.
pub(super) fn window(
    items: &[&Listed],
    is_found: impl Fn(&Listed) -> bool,
    order: Order,
    from: usize,
    length: usize,
) -> (usize, Vec<usize>) {
    let mut at: Vec<usize> = (0..items.len()).filter(|at| is_found(items[*at])).collect();
    let found = at.len();
    if from >= found {
        return (found, Vec::new());
    }
    // Only the window is sorted.
    if from > 0 {
        at.select_nth_unstable_by_key(from, |at| order.key(items, *at));
        at.drain(..from);
    }
    if at.len() > length {
        at.select_nth_unstable_by_key(length, |at| order.key(items, *at));
        at.truncate(length);
    }
    at.sort_unstable_by_key(|at| order.key(items, *at));
    (found, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[(&str, Option<By>)] =
        &[("User", Some(By::Name)), ("Path", None), ("Used", Some(By::Used)), ("Created", Some(By::Created))];

    #[test]
    fn orders_are_read_and_turned_round() {
        for (text, expected, by, next) in [
            ("", "", By::Name, "-name"),
            ("", "", By::Created, "-created"),
            ("-created", "-created", By::Created, "created"),
            ("created", "created", By::Created, "-created"),
            ("-used", "-used", By::Name, "name"),
            ("count", "", By::Name, "-name"),
            ("<script>", "", By::Name, "-name"),
        ] {
            let order = Order::parse(text, COLUMNS);
            assert_eq!(order.is_by_name(), expected.is_empty(), "{text}");
            assert_eq!(order.after(by), next, "{text}");
        }
    }

    #[test]
    fn windows_of_every_order_follow_each_other() {
        let item = |at: i64| Listed { created: at * 7 % 5, used: (at % 3 != 0).then_some(at), ..Listed::default() };
        let items: Vec<_> = (0..23).map(item).collect();
        let items: Vec<_> = items.iter().collect();
        for text in ["", "-name", "created", "-created", "used", "-used"] {
            let order = Order::parse(text, COLUMNS);
            let is_found = |item: &Listed| item.created != 3;
            let mut expected: Vec<_> = (0..items.len()).filter(|at| is_found(items[*at])).collect();
            expected.sort_by_key(|at| order.key(&items, *at));
            let pages: Vec<_> = (0..5).map(|page| window(&items, is_found, order, page * 5, 5)).collect();
            assert!(pages.iter().all(|(found, _)| *found == expected.len()), "{text}");
            assert_eq!(pages.into_iter().flat_map(|(_, at)| at).collect::<Vec<_>>(), expected, "{text}");
        }
    }

    #[test]
    fn what_was_never_used_is_the_oldest() {
        let items = [None, Some(5), Some(9)].map(|used| Listed { used, ..Listed::default() });
        let items = items.each_ref();
        let sorted = |text| window(&items, |_| true, Order::parse(text, COLUMNS), 0, 9).1;
        assert_eq!((sorted("used"), sorted("-used")), (vec![0, 1, 2], vec![2, 1, 0]));
    }
}

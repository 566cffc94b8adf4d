//! The console: pages for browsers under `/console`.
//!
//! A front end without rights of its own: each page calls [`bailiwick_service::Service`] with the bearer token of the
//! person who is signed in, which stays in the memory of the server; the browser has only the id of its session. A page
//! shows what the calls answer, and names the missing permission where a call is denied.
//!
//! - `front` takes a request: transport, origin, session and form token are checked before any page sees it.
//! - `lists` keeps what long lists hold for some seconds.
//! - `session` keeps the sessions of browsers; `person` makes calls for one.
//! - `pages` has one file for each noun, with its templates in `templates/`; `view` has what templates share.
//! - `assets` has the stylesheet and the script, under names with their hash.
//!
//! To add a page: write `src/pages/NOUN.rs` with `answer`, which takes the `person` and the path after the noun; its
//! template, which extends `layout.html`; its row in `pages::answer`; and its entry in `view::NAVIGATION`.
//!
//! The crate deliberately does not know storage, decisions or handlers. No template marks text as safe.
//!
//! Start reading at [`Front::handle`], then `pages`.

mod assets;
mod context;
mod cookie;
mod form;
mod front;
pub mod fuzz;
mod guard;
mod lists;
mod pages;
mod person;
mod reply;
mod request;
mod session;
mod view;
mod watches;

pub use front::Front;
pub use session::SessionLimits;

//! The content of a trade-in token.

use bailiwick_model::AccountId;
use jiff::Timestamp;
use prost::Message;

/// What a trade-in token names: a delegation request whose token was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TradeIn {
    /// The id of the request.
    pub request: String,
    /// The account of its owner.
    pub owner: AccountId,
    /// When the owner sent the token.
    pub sent: Timestamp,
}

impl TradeIn {
    /// The content of a token that ends at this time.
    pub(crate) fn encode(&self, expires: Timestamp) -> Vec<u8> {
        let message = TradeInMessage {
            request: self.request.clone(),
            owner: self.owner.number(),
            sent: self.sent.as_microsecond(),
            expires: expires.as_microsecond(),
        };
        message.encode_to_vec()
    }

    /// What a token names, and when it ends. None for content that was never issued.
    pub(crate) fn decode(content: &[u8]) -> Option<(Self, Timestamp)> {
        let TradeInMessage { request, owner, sent, expires } = TradeInMessage::decode(content).ok()?;
        let time = |microseconds| Timestamp::from_microsecond(microseconds).ok();
        Some((TradeIn { request, owner: AccountId::from_number(owner)?, sent: time(sent)? }, time(expires)?))
    }
}

/// A delegation request whose token was sent. Times are microseconds since 1970.
#[derive(Clone, PartialEq, Message)]
struct TradeInMessage {
    #[prost(string, tag = "1")]
    request: String,
    #[prost(uint64, tag = "2")]
    owner: u64,
    #[prost(int64, tag = "3")]
    sent: i64,
    #[prost(int64, tag = "4")]
    expires: i64,
}

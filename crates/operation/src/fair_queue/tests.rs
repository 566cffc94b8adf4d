use super::*;

const LIMITS: FairQueueLimits =
    FairQueueLimits { at_once: 2, at_once_of_one: 2, waiting_of_one: 3, waiting: 5, patience: Duration::from_secs(10) };

type Waiting = std::pin::Pin<Box<dyn Future<Output = Result<Permit, Overloaded>> + Send>>;

/// A call that has asked for its permit.
fn call(queue: &FairQueue, principal: &'static str) -> Waiting {
    let queue = queue.clone();
    let mut waiting: Waiting = Box::pin(async move { queue.enter(principal.to_owned()).await });
    let asked = poll(&mut waiting);
    match asked {
        Some(done) => Box::pin(std::future::ready(done)),
        None => waiting,
    }
}

/// The result of a call, if it need not wait.
fn poll(waiting: &mut Waiting) -> Option<Result<Permit, Overloaded>> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match waiting.as_mut().poll(&mut context) {
        std::task::Poll::Ready(done) => Some(done),
        std::task::Poll::Pending => None,
    }
}

fn permit(waiting: &mut Waiting) -> Permit {
    poll(waiting).expect("it waits").expect("it is refused")
}

#[tokio::test]
async fn principals_take_turns() {
    let queue = FairQueue::new(LIMITS);
    let mut begun: VecDeque<Permit> = (0..2).map(|_| permit(&mut call(&queue, "flood"))).collect();
    let mut floods: Vec<Waiting> = (0..3).map(|_| call(&queue, "flood")).collect();
    let mut other = call(&queue, "other");
    assert_eq!(queue.waiting(), 4);
    // The first place goes to the flood, which waited first, the second to the other principal, who has one call.
    begun.pop_front();
    begun.push_back(permit(&mut floods[0]));
    assert!(poll(&mut other).is_none());
    begun.pop_front();
    begun.push_back(permit(&mut other));
    assert!(poll(&mut floods[1]).is_none());
    begun.clear();
    drop((permit(&mut floods[1]), permit(&mut floods[2])));
    assert_eq!((queue.waiting(), queue.state().begun), (0, 0));
}

#[tokio::test]
async fn only_so_many_calls_wait() {
    let queue = FairQueue::new(LIMITS);
    let _begun: Vec<Permit> = (0..2).map(|_| permit(&mut call(&queue, "a"))).collect();
    let _a: Vec<Waiting> = (0..3).map(|_| call(&queue, "a")).collect();
    assert_eq!(poll(&mut call(&queue, "a")).map(|r| r.err()), Some(Some(Overloaded)), "of one principal");
}

#[tokio::test]
async fn a_call_that_gave_up_is_passed_over() {
    let queue = FairQueue::new(LIMITS);
    let begun: Vec<Permit> = (0..2).map(|_| permit(&mut call(&queue, "a"))).collect();
    drop(call(&queue, "a"));
    let mut last = call(&queue, "b");
    drop(begun);
    drop(permit(&mut last));
    assert_eq!((queue.waiting(), queue.state().begun), (0, 0));
}

#[tokio::test]
async fn a_permit_that_was_given_and_not_taken_is_given_on() {
    let queue = FairQueue::new(LIMITS);
    let mut begun: Vec<Permit> = (0..2).map(|_| permit(&mut call(&queue, "a"))).collect();
    let first = call(&queue, "a");
    begun.pop();
    drop(first);
    assert_eq!((queue.waiting(), queue.state().begun), (0, 1));
}

#[tokio::test]
async fn a_call_waits_only_for_so_long() {
    let queue = FairQueue::new(FairQueueLimits { patience: Duration::from_millis(1), ..LIMITS });
    let begun: Vec<Permit> = (0..2).map(|_| permit(&mut call(&queue, "a"))).collect();
    assert_eq!(call(&queue, "a").await.err(), Some(Overloaded));
    drop(begun);
    assert_eq!((queue.waiting(), queue.state().begun), (0, 0));
}

#[tokio::test]
async fn one_principal_leaves_places_to_others() {
    let queue = FairQueue::new(FairQueueLimits { at_once: 4, at_once_of_one: 2, ..LIMITS });
    let mut slow: Vec<Permit> = (0..2).map(|_| permit(&mut call(&queue, "slow"))).collect();
    let mut waiting = call(&queue, "slow");
    assert!(poll(&mut waiting).is_none(), "half of the places are for others");
    let others: Vec<Permit> = (0..2).map(|number| permit(&mut call(&queue, ["a", "b"][number]))).collect();
    let mut third = call(&queue, "c");
    assert!(poll(&mut third).is_none(), "all places are taken");
    drop(others);
    drop(permit(&mut third));
    assert!(poll(&mut waiting).is_none(), "it still has its half");
    slow.pop();
    drop(permit(&mut waiting));
    drop(slow);
    let state = queue.state();
    assert_eq!((state.count, state.begun, state.begun_of.len(), state.waiting.len()), (0, 0, 0, 0));
}

#[tokio::test]
async fn those_with_many_waiting_calls_do_not_refuse_others() {
    let queue = FairQueue::new(FairQueueLimits { waiting_of_one: 100, waiting: 20, ..LIMITS });
    let _begun: Vec<Permit> = (0..2).map(|_| permit(&mut call(&queue, "a"))).collect();
    let _flood: Vec<Waiting> = (0..20).map(|_| call(&queue, "a")).collect();
    assert_eq!(poll(&mut call(&queue, "a")).map(|r| r.err()), Some(Some(Overloaded)));
    let _few: Vec<Waiting> = (0..FEW).map(|_| call(&queue, "b")).collect();
    assert_eq!(poll(&mut call(&queue, "b")).map(|r| r.err()), Some(Some(Overloaded)));
    let _more: Vec<Waiting> = (0..4).map(|_| call(&queue, "c")).collect();
    assert_eq!(poll(&mut call(&queue, "d")).map(|r| r.err()), Some(Some(Overloaded)), "twice as many are too many");
}

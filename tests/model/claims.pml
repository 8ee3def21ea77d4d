/* Claims between three gates (spec/claims.md), for Spin. README.md beside this file says which
 * function of shared/claims each rule stands for; test_claims_model.py runs it.
 *
 * One ticket with two rights; copies of it are shown at all gates. Time is left out but for the
 * order of things: what may take long may take for ever, unless a rule of the specification or
 * a fault that is noted says otherwise. Every action has a budget, so every run is finite, and
 * where nothing more can happen all claims must have ended.
 */

#define N 3
#define NOBODY 3
#define at(i, j) ((i) * N + (j))
#define bit(i) (1 << (i))

#ifndef GUESTS
#define GUESTS 2           /* how often a copy of the ticket is shown in all */
#endif
#ifndef RESTARTS
#define RESTARTS 0
#endif
#ifndef WHO
#define WHO 1              /* which gates may restart, as bits */
#endif
#ifndef CUTS
#define CUTS 0
#endif
#ifndef ROSTERS
#define ROSTERS 0          /* 1: every gate goes by a second roster from some time on */
#endif
#ifndef STRUCK
#define STRUCK 0           /* 1: gate 2 is not on the second roster */
#endif
#ifndef SLOW
#define SLOW 0             /* 1: an owner's answer may come too late */
#endif

#define AGAIN 1            /* how often an owner is asked again while another's claim stands */
#define OWNERS 2           /* are asked, one after the other */
#define ASKS (2 * OWNERS * (1 + AGAIN))    /* of one claim, which may start anew once */

mtype = { CLAIM, GRANT, RECORD, BUSY, PASS, TOLD, ENTRY, RELEASE };
mtype = { IDLE, START, ASKED, GRANTED };

/* Lines: messages in order from i to j, and whether i has a line to j. After its restart the
 * owner has new lines; `old`: that end still holds the dead one, on which `stale` is to come. */
chan q[9] = [5] of { mtype, byte, byte };
chan stale[3] = [5] of { mtype, byte, byte };
bool line[9], apart[9], old[3];
byte restarted = NOBODY;

/* What a gate knows. */
bit roster[3];
byte log[3];               /* rights that are used up */
byte heard[3];             /* members */
bool settled[3];
byte lease[9];             /* at(owner, holder): rights * 16 + nonce of the claim, 0 for none */
bool told[9];              /* i told j, on this line and by its roster */

/* The claim of each gate. */
mtype st[3];
byte want[3];              /* rights */
bit under[3];              /* roster */
byte nonce[3], place[3], tried[3], busy[3], asks[3];
bool degraded[3];
byte granter[3];           /* who really granted it, for the assertion alone */

/* Budgets and faults. */
byte guests, restarts, cuts;
bool late;

/* What came of it: entries by right; those not degraded by right, and by right and roster. */
byte green[2], sound[2], listed[4];

hidden byte k, x, y, z;    /* within one step */
hidden mtype m;

#define fault (late || cuts || restarts || roster[0] || roster[1] || roster[2])
#define member(i, v) (!(STRUCK && (v) && (i) == 2))
#define members(v) (STRUCK && (v) -> 3 : 7)
#define owner(n, v) ((v) && (n) < 2 -> 1 - (n) : (n))  /* the ranking: 0 1 2, then 1 0 2 */
#define connected(i) (line[at(i, 0)] + 2 * line[at(i, 1)] + 4 * line[at(i, 2)])
#define waited(i) (settled[i] -> connected(i) : members(roster[i]))
#define ready(i) (((heard[i] | bit(i)) & waited(i)) == waited(i))
#define lost(i, j) (restarted == j && old[i])          /* i's line to j is dead */
#define up(i, j) (line[at(i, j)] && !lost(i, j))
#define free(i, j) (!up(i, j) || nfull(q[at(i, j)]))   /* i can send, or has nobody to send to */
#define of(o, h) (lease[at(o, h)] / 16)
#define others_claim(o, i, w) \
    ((i != 0 && (of(o, 0) & w)) || (i != 1 && (of(o, 1) & w)) || (i != 2 && (of(o, 2) & w)))

inline drop(ch) { do :: nempty(ch) -> ch ? m, _, _ :: empty(ch) -> break od }

inline send(f, t, kind, u, v) {
    if
    :: up(f, t) -> q[at(f, t)] ! kind, u, v
    :: else
    fi
}

/* The log speaks from now on. */
inline ends(o, h, w) {
    if
    :: of(o, h) & ~(w) & 3 -> lease[at(o, h)] = (of(o, h) & ~(w) & 3) * 16 + lease[at(o, h)] % 16
    :: else -> lease[at(o, h)] = 0
    fi
}

inline hears(g, used_up) {
    log[g] = log[g] | (used_up);
    ends(g, 0, used_up); ends(g, 1, used_up); ends(g, 2, used_up)
}

/* Whoever granted it. */
inline holding(g, h, no, w) { lease[at(g, h)] = (w) * 16 + no }

inline released(g, h, no) {
    if :: lease[at(g, h)] % 16 == no -> lease[at(g, h)] = 0 :: else fi
}

/* All that a gate was known to hold. */
inline let_go(g, h) { lease[at(g, h)] = 0 }

inline next(g) { place[g]++; tried[g]++; busy[g] = 0; st[g] = START }

inline lets_go(c, d) {
    if
    :: st[c] == ASKED && owner(place[c], under[c]) == d -> next(c)
    :: else
    fi
}

inline closes(a, b) {
    line[at(a, b)] = false; told[at(a, b)] = false;
    heard[a] = heard[a] & ~bit(b);
    lets_go(a, b)
}

inline forgets(g) {
    st[g] = IDLE; want[g] = 0; under[g] = 0; nonce[g] = 0; place[g] = 0; tried[g] = 0;
    busy[g] = 0; asks[g] = 0; degraded[g] = false; granter[g] = 0
}

inline alone(e) {
    st[e] = GRANTED; degraded[e] = true; granter[e] = NOBODY;
    holding(e, e, nonce[e], want[e])
}

/* The owner's answer, in m. A lease that is older than an entry takes is in doubt. */
inline answers(o, who, no, rights, ver) {
    if
    :: ver != roster[o] -> m = PASS
    :: ver == roster[o] && !ready(o) -> m = PASS
    :: ver == roster[o] && ready(o) && (log[o] & rights) -> m = RECORD
    :: ver == roster[o] && ready(o) && !(log[o] & rights) && others_claim(o, who, rights) -> m = BUSY
    :: ver == roster[o] && ready(o) && !(log[o] & rights) && others_claim(o, who, rights) ->
        late = true; m = PASS
    :: else -> holding(o, who, no, rights); m = GRANT
    fi
}

/* What the claimant makes of it. */
inline result(e, by, used) {
    if
    :: m == GRANT ->
        st[e] = GRANTED; granter[e] = by;
        degraded[e] = (by != owner(0, under[e]));
        holding(e, e, nonce[e], want[e])
    :: m == RECORD -> hears(e, used); forgets(e)
    :: m == BUSY && busy[e] < AGAIN -> busy[e]++; st[e] = START
    :: m == BUSY && busy[e] == AGAIN -> late = true; next(e)   /* e lease outlives its time */
    :: m == PASS -> next(e)
    fi
}

inline takes(a, b) {
    if
    :: m == CLAIM ->
        k = y % 16;
        answers(a, b, k, x, y / 16);
        z = log[a] & x;
        send(a, b, m, k, z)
    :: m == TOLD ->
        hears(a, x);
        if
        :: y / 64 == roster[a] && !(heard[a] & bit(b)) ->
            let_go(a, b);
            z = (y / 16) % 4;
            if :: z -> holding(a, b, y % 16, z) :: else fi;
            heard[a] = heard[a] | bit(b)
        :: else                                                /* is told again */
        fi
    :: m == ENTRY -> hears(a, x)
    :: m == RELEASE -> released(a, b, x)
    :: else ->
        if
        :: st[a] == ASKED && owner(place[a], under[a]) == b && x == nonce[a] -> result(a, b, y)
        :: else ->                                             /* of an earlier question */
            if
            :: m == GRANT && (st[a] == IDLE || x != nonce[a]) -> send(a, b, RELEASE, x, 0)
            :: else
            fi
        fi
    fi
}

inline counts(g, r) {
    green[r]++;
    if
    :: !degraded[g] -> sound[r]++; listed[r*2 + under[g]]++
    :: else
    fi
}

inline writes(i, n1, n2) {
    assert(degraded[i] || granter[i] == owner(0, under[i]));
    if :: want[i] & 1 -> counts(i, 0) :: else fi;
    if :: want[i] & 2 -> counts(i, 1) :: else fi;
    hears(i, want[i]);
    send(i, n1, ENTRY, want[i], 0);
    send(i, n2, ENTRY, want[i], 0);
    forgets(i);
    assert(fault || green[0] <= 1 && green[1] <= 1);
    assert(fault || green[0] == sound[0] && green[1] == sound[1]);
    assert(cuts && (restarts || ROSTERS) ||
        listed[0] <= 1 && listed[1] <= 1 && listed[2] <= 1 && listed[3] <= 1);
    assert(cuts && (restarts || ROSTERS) || STRUCK || sound[0] <= 1 && sound[1] <= 1)
}

/* The guest goes away: nobody writes. */
inline leaves(i, n1, n2) {
    released(i, i, nonce[i]);
    send(i, n1, RELEASE, nonce[i], 0);
    send(i, n2, RELEASE, nonce[i], 0);
    forgets(i)
}

/* What had been sent by a gate that restarts may still arrive. */
inline breaks(i, j) {
    old[j] = line[at(j, i)];
    drop(stale[j]);
    do
    :: nempty(q[at(i, j)]) -> q[at(i, j)] ? m, x, y; stale[j] ! m, x, y
    :: empty(q[at(i, j)]) -> break
    od;
    drop(q[at(j, i)]);
    line[at(i, j)] = false; told[at(i, j)] = false
}

inline strikes_off(n, l) {
    closes(n, l); closes(l, n);
    drop(q[at(n, l)]); drop(q[at(l, n)])
}

/* -- steps of gate i with another gate j -- */

#define can_receive(i, j) (up(i, j) && nempty(q[at(j, i)]) && free(i, j))
/* Gate 2 is the last of both rankings: whom it did not hear does not matter. */
#define can_tell(i, j) (j < 2 && up(i, j) && !told[at(i, j)] && !(heard[j] & bit(i)) && nfull(q[at(i, j)]) && roster[i] == roster[j] && \
    member(i, roster[i]) && member(j, roster[i]))
#define can_connect(i, j) ((i < j || lost(j, i)) && !apart[at(i, j)] && member(i, roster[j]) && member(j, roster[i]) && \
    !up(i, j) && !lost(i, j) && (!line[at(j, i)] || lost(j, i)))
#define there(i, j) (i == j || line[at(i, j)] || apart[at(i, j)] || !member(j, roster[i]))

inline receive(i, j) { q[at(j, i)] ? m, x, y; takes(i, j) }

inline tell(i, j) {
    told[at(i, j)] = true;
    z = (st[i] == GRANTED -> want[i] : 0);
    send(i, j, TOLD, log[i], roster[i] * 64 + z * 16 + nonce[i])
}

inline connect(i, j) {
    told[at(i, j)] = false; line[at(i, j)] = true;
    if
    :: lost(j, i)                      /* its end finds out later */
    :: else -> told[at(j, i)] = false; line[at(j, i)] = true
    fi
}

/* Its end finds out: at the latest when the new line speaks. */
inline notices(i, j) {
    closes(i, j);
    old[i] = false;
    drop(stale[i]);
    line[at(i, j)] = line[at(j, i)]
}

inline cut(i, j) {
    cuts++; apart[at(i, j)] = true; apart[at(j, i)] = true;
    strikes_off(i, j)
}

inline ask(i, to) {
    if
    :: tried[i] == OWNERS || place[i] == N || !member(to, under[i]) -> alone(i)
    :: else ->
        if
        :: to == i -> asks[i]++; answers(i, i, nonce[i], want[i], under[i]); z = log[i] & want[i]; result(i, i, z)
        :: to != i && line[at(i, to)] ->
            asks[i]++; st[i] = ASKED; send(i, to, CLAIM, want[i], under[i] * 16 + nonce[i])
        :: else -> place[i]++
        fi
    fi;
    assert(asks[i] <= ASKS)
}

inline adopt(i, n1, n2) {
    roster[i] = 1; heard[i] = 0; settled[i] = !(RESTARTS + CUTS);
    told[at(i, n1)] = false; told[at(i, n2)] = false;
    told[at(n1, i)] = false; told[at(n2, i)] = false;
    if
    :: STRUCK && i == 2 -> strikes_off(i, n1); strikes_off(i, n2)
    :: STRUCK && i != 2 -> strikes_off(i, 2); let_go(i, 2)
    :: else
    fi;
    if
    :: (st[i] == START || st[i] == ASKED) && member(i, 1) ->
        under[i] = 1; nonce[i]++; place[i] = 0; tried[i] = 0; busy[i] = 0; st[i] = START
    :: (st[i] == START || st[i] == ASKED) && !member(i, 1) -> forgets(i)
    :: else
    fi
}

proctype Gate(byte me, p, r) {
end:
    do
    /* A copy is shown; its people want one right or both. */
    :: atomic { st[me] == IDLE && guests < GUESTS && member(me, roster[me]) && log[me] != 3 ->
        guests++; under[me] = roster[me]; nonce[me] = guests * 2; st[me] = START;
        if
        :: !(log[me] & 1) -> want[me] = 1
        :: log[me] & 1 -> want[me] = 2
        :: log[me] == 0 -> want[me] = 3
        fi }
    :: atomic { st[me] == START && free(me, p) && free(me, r) ->
        z = owner(place[me], under[me]); k = z; ask(me, k) }
    :: atomic { st[me] == ASKED && SLOW -> late = true; next(me) }
    :: atomic { st[me] == GRANTED && free(me, p) && free(me, r) -> writes(me, p, r) }
    :: atomic { st[me] == GRANTED && free(me, p) && free(me, r) -> leaves(me, p, r) }
    :: atomic { can_receive(me, p) -> receive(me, p) }
    :: atomic { can_receive(me, r) -> receive(me, r) }
    :: atomic { old[me] && nempty(stale[me]) -> stale[me] ? m, x, y; k = restarted; takes(me, restarted) }
    :: atomic { can_tell(me, p) -> tell(me, p) }
    :: atomic { can_tell(me, r) -> tell(me, r) }
    :: atomic { can_connect(me, p) -> connect(me, p) }
    :: atomic { can_connect(me, r) -> connect(me, r) }
    :: atomic { old[me] -> notices(me, restarted) }
    :: atomic { !settled[me] && there(me, p) && there(me, r) -> settled[me] = true }
    :: atomic { ROSTERS && !roster[me] -> adopt(me, p, r) }
    :: atomic { restarts < RESTARTS && (WHO & bit(me)) && !(old[0] || old[1] || old[2]) ->
        restarts++; restarted = me;
        heard[me] = 0; settled[me] = false; lease[at(me, 0)] = 0; lease[at(me, 1)] = 0; lease[at(me, 2)] = 0;
        forgets(me);
        breaks(me, p); breaks(me, r) }
    :: atomic { cuts < CUTS && line[at(me, p)] && line[at(p, me)] && !(old[0] || old[1] || old[2]) -> cut(me, p) }
    :: atomic { apart[at(me, p)] -> apart[at(me, p)] = false; apart[at(p, me)] = false }
    od
}

/* Where nothing more can happen, nobody is left with a claim. */
proctype Over() {
    timeout -> assert(st[0] == IDLE && st[1] == IDLE && st[2] == IDLE)
}

init {
    atomic {
        k = 0;
        do
        :: k < N -> st[k] = IDLE; heard[k] = 7 & ~bit(k); settled[k] = true; k++
        :: else -> break
        od;
        k = 0;
        do
        :: k < 9 -> line[k] = k % 4 != 0; told[k] = k % 4 != 0; k++
        :: else -> break
        od;
        k = 0;
        run Gate(0, 1, 2); run Gate(1, 2, 0); run Gate(2, 0, 1); run Over()
    }
}

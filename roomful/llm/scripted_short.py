"""Messages of one to six words, by what they do, and what stands around longer ones. Text only.

All of them can be said at any moment, whatever it is about. How they are chosen is in `drawn`.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Short:
    """The short messages of one kind of speech."""

    singles: tuple[str, ...]
    """Messages of one word, the plain ones: each can be stretched, and end in many ways."""
    by_words: dict[int, tuple[str, ...]]
    """Messages of 2, 3, 4 … words."""
    heads: tuple[str, ...]
    """Single words that can stand before any of them."""
    tails: tuple[str, ...]
    """Single words that can stand behind any of them."""
    ends: tuple[str, ...] = ("!", "...", "!!", "..", "!!!")
    """What may be put behind a single word."""
    leads: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """By words: what may stand before a longer message of this kind."""
    closes: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """By words: what may stand behind one."""


def _by_words(text: str) -> dict[int, tuple[str, ...]]:
    lines = [line.strip() for line in text.strip().splitlines()]
    counts = sorted({len(line.split()) for line in lines})
    return {count: tuple(line for line in lines if len(line.split()) == count) for count in counts}


def _short(singles: str, phrases: str, heads: str, tails: str, **more: str) -> Short:
    ends = more.get("ends", "").split()
    return Short(
        singles=tuple(singles.split()),
        by_words=_by_words(phrases),
        heads=tuple(heads.split()),
        tails=tuple(tails.split()),
        **({"ends": tuple(ends)} if ends else {}),
        leads=_by_words(more.get("leads", "")),
        closes=_by_words(more.get("closes", "")),
    )


TELL = _short(
    """
nice hmm oof wow noted bless typical brilliant lovely ouch yikes blimey crikey gosh sigh meh whatever ok okay
cool great fab ace sweet neat grim awful horrible shocking mad wild crazy weird strange odd classic interesting
impressive amazing incredible unreal unbelievable ridiculous outrageous depressing exhausting tempting relatable legend
hero genius bonkers magic fine good sad cute tragic lucky finally chaos madness drama
nightmare progress luck ooh aah eek phew pff aww argh ugh yay hurrah woo whoops oops
speechless lush mega epic respect gotcha understood righto
wait hm mm well standard charming splendid fascinating random confusing painful
harsh rough tough sensible useless heartbreaking
goodness wonderful terrific
""",
    """
no way
oh dear
oh no
not again
poor you
poor thing
good luck
good point
well I never
my goodness
love it
hate that
been there
what nerve
each time
same old
such fun
big mood
small world
lucky you
lucky thing
never again
never mind
too funny
too much
too late
too early
too right then
so good
so bad
so annoying
so tempting
so strange
I wish
I forgot
I tried
I wondered
I noticed
I heard
we'll see
we tried
it happens
it depends
could be
could do
might be
might try
who knew
fair play
fair dos
good grief
good shout
good times
bad luck
bad timing
rather you
told you
called it
saw that
heard that
missed that
not bad
not ideal
not great
not here
not yet
nearly there
nothing new
nothing here
oh lovely
ah well
ah bless
no comment
no idea
no luck
no rush
mind blown
proper job
top tip
top marks
what a day
what a saga
what a shame
what a mess
what a treat
first I've heard
never seen that
never tried it
you couldn't invent it
good for them
better than nothing
worse every year
not my week
not at ours
not around here
same every year
happens to everyone
happened to me
happened here too
can't be bothered
can't say yet
couldn't do that
I give up
I'd forgotten that
I'm really glad
I'm no help
I'm staying in
I'm keeping out
I did wonder
I had to look
I saw it too
I'd be fuming
I'd be mortified
I'd have cried
I'd love that
I'd pay for that
it gets worse
it never ends
it's been ages
it's a sign
it's a gift
it's the principle
that's so sweet
that's not right
that's a shame
that's a lot
that's the dream
that's my nightmare
that's one solution
that escalated quickly
this made me smile
this is gold
this is new
now I'm curious
now I'm worried
still getting over it
still thinking about that
still no news here
hope it helps somebody
hope so anyway
here we go again
somebody has to say it
someone's having a day
somebody write that down
someone got out of bed
always the way
always something
only round here
only on a Monday
one for the diary
one to remember
quite right too
rather you than me
you poor thing
you did your best
you learn something new
you live and learn
you've made my evening
you had one job
glad I'm not alone
glad it wasn't me
glad someone noticed
could have been worse
could happen to anyone
didn't see that coming
didn't know you could
I never knew that before
I had no idea about that
I've heard that one before
I was about to say
I was wondering about that
I can picture it now
I can hear it from here
I need a sit down
I need a biscuit after that
I'll believe it when it happens
I'll keep an eye out
I'll remember that for later
I'll stick to my sofa
I'll try that next time
I'm making a note of that
I'm not getting involved this time
I'm saying nothing on this one
I'm telling everyone at work
I've stopped being surprised by now
it was only a matter of time
it's always the quiet ones
it's like that every year
it's not just you then
it's the same at my end
it's funny how that works
makes a change I suppose
my mum would love this
my week in a sentence
my day just got better
nobody tells us these things
nobody warned me about this
not the answer I wanted
not what you want really
not what I expected today
now that's what I call service
of course they did
of course it was
oh that takes me back
same thing happened to us
should have seen that coming
some people have all the luck
that came out of nowhere
that sounds about right then
that would finish me off
that is very on brand
that's better than our luck
that's going in the book
that's how they get you
that's cheered me right up
that's the best news today
there goes my quiet evening
there's always one on every street
they never learn do they
things you only hear here
this chat is better than telly
this is why I stay in
wait till my sister hears this
we've all done it at least once
we need to talk about this
well that explains a lot
well that went well then
what a time to be alive
you can set your watch by it
you have to admire the effort
you never know with these things
you should have seen my face
you win some you lose some
nothing happens for weeks then this
just catching up with all this
been thinking that all day
bit of a story there
bit much for a weekday
don't get me started
don't look at me
don't say that
best thing I've read today
first good news all week
never a dull week here
pretty much what I heard
feels like ages ago now
could have told you that
took them long enough
took me ages as well
sort of thing you remember
sounds like a long day
sounds like our house
sounds familiar I must say
""",
    "oh ah well ha ok honestly right ooh",
    "lol tbh haha really honestly though",
    leads="""
Honestly
Well
Right
Oh
Ok
So
Ok so
Oh and
Well then
Not gonna lie
To be fair
Funny you say that
Speaking of which
For what it's worth
As it happens
You won't believe it
Not to be dramatic but
I probably told you this
""",
    closes="""
haha
lol
anyway
honestly
though
just saying
you know
so yeah
that's all
I suppose
so there's that
not that it matters
for what it's worth
if you ask me
make of that what you will
""",
)
AGREE = _short(
    """
yes yeah yep yup aye true exactly definitely absolutely totally same right fair indeed correct precisely this
seconded ditto likewise sure agreed yh facts truth preach bingo snap obviously naturally clearly evidently completely
entirely literally amen touché valid legit accurate yea yeh mhm truly undoubtedly
quite yas
""",
    """
so true
very true
too true
too right
same here
same again
fair point
fair comment
good call
good thinking
yes exactly
yes please
yes totally
yeah same
yeah true
yeah exactly
yeah definitely
yep same
yep agreed
totally agree
fully agree
I agree
I concur
me too
us too
mine too
ours too
hear hear
spot on
dead right
quite right
all true
for sure
of course
no doubt
no question
no argument
you're right
they're right
she's right
he's right
that's true
that's it
this exactly
couldn't agree more
can't disagree there
can't argue there
can't fault that
I thought so
I think so
I'd say so
I'll second that
I'm with you
I'm the same
I said so
same for us
same over here
same at ours
same at work
that is true
that's so true
that's the one
that's the thing
that's just it
that's what happened
that's how it is
that's exactly it
that's what I said
that's what I meant
that's what everyone says
that's what I keep saying
that's my view as well
that's pretty much my thinking
that's been my experience too
you're absolutely right
you said it
you nailed it there
you read my mind
you took the words away
you're preaching to the choir
you and me both
you won't find me arguing
yes to all of that
yes that's how I see it
yeah that makes sense
yeah I was thinking that
yeah we had that too
yeah I can see that
I feel exactly the same
I feel the same way
I was going to say
I was just thinking that
I couldn't have put it better
I can't argue with any
I'd go along with that
I'd have said the same thing
I'd sign that right now
I've always said that
I've said so for years
I've been saying this forever
I'm glad somebody said that
glad it's not only me
glad we're all agreed then
exactly what I was thinking
exactly what my sister says
exactly that every single time
exactly why I gave up
totally with you on this
completely with you on that
we said the same
we think the same here
we're all thinking it
we found that as well
we had exactly that here
everyone I know says so
everyone on our side agrees
finally somebody talking sense
finally someone who gets it
nothing to add from me
my thoughts exactly
my point exactly
it's true what they say
it really is like that
it really does feel that way
no arguments from this end
definitely the right way round
one hundred percent agree
put me down for that
two votes for that then
three of us now then
""",
    "yep yeah yes oh ah true ha right",
    "tbh honestly lol really definitely haha",
    leads="""
Yeah
True
Exactly
Yep
Agreed
Right
Yes
Definitely
Same
Totally
Absolutely
Yeah exactly
So true
Fair point
Yes definitely
Same here
Good point
I agree
Spot on
Yeah I know
You're so right
Couldn't agree more
I think so too
That's what I said
I was going to say
You took the words right out
""",
    closes="""
tbh
honestly
too
exactly
as well
same here
so yeah
like you said
so I'm with you
so you're not wrong
so I know the feeling
so I know what you mean
""",
)
DISAGREE = _short(
    """
no nope nah disagree doubtful hardly unlikely false unsure debatable questionable dubious
unconvinced pass never overrated exaggerated barely naw nahh nooo noo nopee nuh-uh mmm
""",
    """
not really
not quite
not sure
not me
not convinced
not always
not anymore
not ours
not true
no chance
no thanks
nah sorry
nah mate
hard pass
hard disagree
I disagree
I doubt
I'd disagree
doubt it
I wouldn't
I don't
we don't
come on
hold on
give over
hang on
hardly ever
since never
speak for yourself
says who though
if you say
I don't think so
I doubt it
I doubt that
I'm not sure
I'm not convinced
I'm not so sure
I wouldn't say that
I wouldn't go that far
I see it differently
I've never had that
I've heard the opposite
I've never found that myself
I really don't mind it
I don't see it that way
I don't get the fuss
I don't know about that
I can't say I agree
I'd say the opposite
I'd say it's getting better
I'd give it more time
I quite like it actually
I think that's a bit harsh
I think you're being unfair
not in my experience
not how I remember it
not what I heard
not sure that's right
not the way I see it
not from where I'm sitting
nah it's not that bad
nah can't agree with that
no it's fine really
it's not that bad
it's not all bad
it's not always like that
it isn't usually like that
it was fine for us
it was worse years ago
it's better than it was
depends how you look at it
depends who you ask
depends on the day really
mine has been fine
ours has been fine though
ours was never like that
we've had no trouble here
we never have that problem
we got on all right
bit harsh
bit unfair
bit harsh I think
bit strong isn't it
that's a bit strong
that's a bit unfair
that's not my experience
that's not quite how it was
that can't be right
that doesn't sound right
somebody told me the opposite
my neighbour says the opposite
there are two sides though
there's another side to that
agree to disagree then
we'll have to disagree
you must be joking
you can't be serious
you're too hard on them
""",
    "hmm erm hm well sorry eh hey honestly",
    "tbh sorry though really imo",
    leads="""
Hmm
Nah
Not really
Not sure
Not convinced
I doubt it
I'm not sure
I don't know
Hmm not really
Not in my experience
I wouldn't say that
I see it differently
I'm not so sure
I don't think so though
Depends who you ask though
I wouldn't go that far
Hmm I'm not sure about that
""",
    closes="""
though
tbh
imo
so nah
just saying
but who knows
so I'm not sure
but that's just me
but maybe that's just me
so it depends who you ask
""",
)
JOKE = _short(
    """
haha lol lmao hahaha hehe heh rofl hilarious dead crying comedy gold brutal priceless ahaha bahaha hahah lolz teehee
snort giggling howling wheezing sniggering cackling weeping iconic savage hahahaha loool lmaooo
""",
    """
I'm dead
I'm crying
I'm howling
I can't breathe
dead here
please stop
comedy gold
pure comedy
plot twist
this chat
send help
help me
someone film it
book him now
call the papers
front page stuff
alert the media
cancel my plans
start a museum
write the musical
sell the rights
there's the sequel
season two please
roll the credits
and scene
cue the violins
cue sad music
tea everywhere
snorted my tea
nearly choked there
my poor keyboard
stop I'm at work
I just snorted
I woke the dog
I laughed too loud
I needed that laugh
I've got tears here
I'd watch that film
I'd buy that calendar
I want this on a mug
put it on a mug
put that on my gravestone
put it on a tea towel
name a pub after it
somebody call the local paper
somebody call a priest
get that man a cape
give that person a medal
give it a blue plaque
give them their own show
breaking news from the sofa
more at ten I expect
the headline of the year right there
the drama on this road
the scandal of the century
this is my soap opera
this is better than a box set
you couldn't make it up
you had me at hello
that's going on my gravestone
that's the name of my band
that's my dating profile
that's my superpower sadly
same but with more crying
same energy as my uncle
peak suburban living right there
living the dream one disaster
these are strange times indeed
we peaked years ago clearly
we should charge for tickets
we need a documentary crew
not all heroes wear capes
not me laughing in a queue
not the plot twist I needed
I came for the gossip
I came here for exactly this
I've told the cat about this
I've never felt so seen
I'm putting this in my will
I'm adding that to my CV
I'll alert the royal family
who needs telly with you lot
ten out of ten no notes
two stars would visit again
three wise men and a skip
a moment's silence please everyone
asking for a friend obviously
""",
    "haha lol ha lmao hehe hahaha oh right",
    "lol haha hehe ha help",
    leads="""
Haha
Lol
Plot twist
Breaking news
Fun fact
In today's episode
Update from the trenches
Today in thrilling news
Stop the press everyone
Live from the front line
This week on our road
""",
    closes="""
haha
lol
lmao
hahaha
send help
no notes
living the dream
and scene
what a life
I'm fine honestly
asking for a friend
ten out of ten
would not do that again
somebody please make the film
""",
)
ASK = _short(
    """
why? really? seriously? when? where? who? what? how? since? huh? pardon? sorry? which? meaning? details? evidence?
proof? examples? because? and? so? then? today? tomorrow? again? already? still? everyone? anyone? both? only?
photos? pics? link? source? twice? actually? always? yours? whose? anything?
""",
    """
since when?
says who?
how come?
how so?
how much?
how many?
how long?
how far?
how old?
why though?
why not?
why now?
why us?
what now?
what happened?
what time?
what else?
what day?
what for?
which one?
which end?
which side?
where exactly?
where though?
where now?
who else?
who did?
who knows?
who's that?
who told you?
for real?
for how long?
for free?
are you sure?
are we sure?
are you serious?
is it safe?
is it far?
is it free?
is that normal?
is that new?
is that it?
was it expensive?
was it busy?
did it work?
did it help?
did they apologise?
did anybody ask?
did you go?
do they know?
do you mind?
does it matter?
does it hurt?
does anyone know?
can we go?
can anyone go?
can that be?
could it be?
should we worry?
should I worry?
what's the plan?
what's that about?
what's it called?
what's the catch?
what's the secret?
what did they say?
what do we do?
what do you reckon?
what would you do?
what happens next then?
what was the point?
when was that?
when is that?
when did this start?
when did that happen?
when will we know?
where did you hear?
where did you see it?
where was this exactly?
who said that?
who can I ask?
who's in charge of this?
who decided that then?
who else was there?
why is it always us?
why would they do that?
why did they do that?
why is that though?
how did you manage that?
how did that happen?
how do you know?
how does that work?
how bad is it?
how was it then?
how long did it take?
is it only me wondering?
is that a good thing?
is there any news yet?
is anyone doing something?
is it always like this?
is it worth the bother?
has anyone asked them?
has this happened before?
has anybody tried calling?
have you told anyone?
have you tried asking nicely?
have they said why?
have I missed something here?
did I miss the start?
did anyone else see that?
did you get a photo?
did you say anything back?
does that happen a lot?
does anybody have a number?
does it say anywhere?
do you want a hand?
do we need to book?
do I need to know?
would you do it again?
would anyone notice though?
will it be the same tomorrow?
will they do anything about it?
am I the only one?
anyone else up for that?
anyone know the story there?
anything I can do to help?
any idea how long it takes?
any chance of a photo?
what does your other half say?
was that before or after lunch?
was anybody there to see it?
are you all right though?
are they allowed to do that?
can somebody explain it to me?
can you still get those anywhere?
could we ask them to stop?
how much would that even cost?
how did nobody notice until now?
where would you even get one?
what are the chances of that?
who do we ask about it?
who would do such a thing?
which one did you go for?
why does nobody ever tell me?
""",
    "wait but ok so and oh hm honestly",
    "though? then? lol? anyway? honestly?",
    ends="?? ?! ??? ?!? !?",
    leads="""
Wait
Ok but
Quick question
Random question
Genuine question
Sorry but
Just wondering
Quick one
Stupid question maybe
Sorry if I missed it
Asking because I forgot
""",
    closes="",
)
GREET = _short(
    """
hi hello hey morning evening heya afternoon howdy hullo hallo ahoy ello evenin mornin hola heyo alright wotcha greetings
""",
    """
hi all
hi everyone
hi folks
hi you lot
hi from me
hello all
hello everyone
hello there
hello folks
hello you lot
hello again all
hey all
hey everyone
hey folks
hey you lot
hey how's everyone
hey all just got in
hey what did I miss
hiya all
hiya everybody
evening everyone
evening you lot
evening neighbours
evening from the far end
evening all just sat down
evening what's the gossip
good evening all
good to see you
morning or whatever it is
hope everyone's well
hope you're all good
just got in hello
just popping in to say hi
just sat down hello everyone
hi all what's going on
hi everyone how are we all
hi everyone bit late as usual
hi from the other end
hello hello just made a cuppa
hello all what's new with everyone
hello everyone nice to see you
hey everyone sorry I'm late again
hey all hope you're doing well
evening all hope you're keeping warm
""",
    "oh ah right well ooh aha hey ha",
    "everyone folks lovelies neighbours people team",
    leads="""
Hi
Hey
Hello
Evening
Hi all
Hey all
Hello all
Evening all
Hi everyone
Hello you lot
Just got in hello
Hi from the far end
""",
    closes="""
anyway
so hello
anyway hi
how's everyone
hope you're well
what did I miss
how is everyone doing
hope everyone's all right
""",
)
NEW = _short(
    """
back brb anyway yawn hungry bored dinner teatime bedtime starving freezing knackered shattered sunshine raining thirsty
sneezing coffee kettle parched boiling sleepy chilly exhausted busy poorly hiccups peckish restless late
""",
    """
kettle's on
right then
anyway dinner
back now
back again
so tired
so hungry
so cold
bit quiet
bit chilly
long day
long week
feet up
finally home
finally sat down
home at last
shoes off
tea time
tea's ready
phone's dying
battery's going
on my way
on the sofa
in the bath
off to bed soon
need a coffee
need a nap
need new shoes
need more tea
just got in
just sat down
just woke up
just had dinner
can't get warm
can't sleep again
can't find my glasses
can't get up now
dog's being weird
dog wants out again
dinner's in the oven
oven's on at last
my feet hurt today
my back is killing me
my tea's gone cold
my phone is on two percent
my screen just froze
it's so quiet tonight
it's freezing in here
it's too hot to think
it's been a long one
it's nearly bedtime already
it's only Tuesday isn't it mad
I need a holiday
I need a lie down
I could sleep for a week
I should be doing the ironing
I should really get up
I've lost my glasses again
I've just burnt the toast
I've got hiccups now
I've eaten too much again
I've got a tune stuck in my head
I'm so behind on everything
I'm writing this in the queue
I'm hiding from the washing up
I'm on the stairs for some reason
there's a moth in my kitchen
there's a funny smell in here
there's nothing in the fridge
someone's at my door
somebody's hoovering upstairs again
the washing machine is beeping
the radio's playing my song
the kids are too quiet
two loads of washing done
three cups of tea already
found a tenner in my coat
found my other glove at last
forgot the milk again
forgot what I came for
one more biscuit then stop
only came on to be nosy
off to put the kettle on
time for a cup of something
today has been a lot
what day is it even
still in my pyjamas
still haven't done the dishes
""",
    "right ok anyway well so ugh oh phew",
    "lol haha again tbh now honestly",
    leads="""
Anyway
So
Also
Oh and
Ok so
Random but
Unrelated but
By the way
Before I forget though
On another note
Completely different thing
Not to change the subject but
""",
    closes="""
anyway
random I know
just so you know
don't know why I said that
""",
)
ANSWER = _short(
    """
dunno possibly maybe probably perhaps doubtless eventually apparently allegedly sometimes occasionally rarely
soon later tonight supposedly presumably theoretically usually normally mostly somewhat partly nowhere everywhere
somewhere nobody anybody nothing tricky impossible idk depends
""",
    """
not sure yet
no clue
no clue sorry
hard to say
hard to know
hopefully soon
hopefully yes
maybe later
maybe not
maybe so
I guess
I guess so
I hope so
I think yes
I'd think so
I couldn't say
I honestly couldn't tell you
I really have no idea
I can ask around
I can find out
I'd have to check
I'd need to look it up
I've been wondering the same
I wish I knew
I'll ask next door
I'll let you know
I'll check and come back
it depends really
it's hard to tell
it changes all the time
it was last year anyway
ask me later
ask me tomorrow
ask at the shop
ask next door maybe
someone will know
someone here must know
somebody said so
somebody said yes yesterday
depends who's asking
depends on the weather
last I heard yes
last I heard no
last time it was
nobody told me
nobody tells me anything here
nobody knows for sure yet
probably not though
probably next week
probably the usual
pretty sure it is
pretty sure it isn't
could be either
could be anything honestly
could well be
your guess is as good
better ask the shop
worth asking though
don't quote me on it
don't hold your breath for it
far as I know yes
far as I know not
from what I remember no
good question for the corner shop
let me think about that
let me ask at home first
more or less
sort of
kind of
if I remember rightly yes
my sister would know that
my neighbour might know more
""",
    "hmm well erm honestly ooh oh mm ah",
    "tbh sorry really honestly",
    leads="",
    closes="",
)
SHORTS: dict[str, Short] = {
    "tell": TELL,
    "ask": ASK,
    "agree": AGREE,
    "disagree": DISAGREE,
    "joke": JOKE,
    "greet": GREET,
    "new": NEW,
    "answer": ANSWER,
}
"""By the kind of speech; `new` begins something new, `answer` answers a question."""

QUESTIONS = tuple(
    """
What's the latest on {w}?
Who looks after {w} these days?
Is it me or is it all {w} lately?
Has anyone got a photo of {w}?
Was there anything in the paper about {w}?
Can somebody fill me in on {w}?
Where were we with {w}?
Who started on about {w}?
Did the council ever mention {w}?
Is there a leaflet about {w}?
Do other streets talk about {w} this much?
How do you all cope with {w}?
Would anyone pay more for {w}?
Did your parents moan about {w} too?
What would you change about {w}?
Who is the expert on {w}?
Does anybody understand {w} properly?
How was it with {w} before my time?
Are we making too much of {w}?
Could we do something about {w} together?
Should I be worried about {w}?
Why is it always {w} with us?
Have you all got a story about {w}?
Will it ever calm down with {w}?
When did {w} get so complicated?
Do the kids care about {w}?
What did your mum say about {w}?
Is somebody keeping a list about {w}?
Any good news on {w}?
Any bets on {w} for tomorrow?
Anyone else dreaming about {w}?
Anyone tried just ignoring {w}?
Which of you knows most about {w}?
Where can I read up on {w}?
Is tonight all about {w} then?
Who can I ring about {w}?
Can we go back to {w} a second?
Did I miss something about {w}?
Is there a group just for {w}?
What do people abroad do about {w}?
How is it with {w} at your end?
Has it always been like that with {w}?
Who would miss {w} if it all stopped?
Would a sign help with {w}?
Did anyone write down the bit about {w}?
Since when do we have opinions on {w}?
Do you think {w} will be better next year?
Has anybody here got the number for {w}?
""".strip().splitlines()
)
"""Questions about a topic; `{w}` is its noun."""

ASKED_FURTHER = tuple(
    """
I can ask at the corner shop tomorrow
My neighbour had the same question last week
We never found out in the end
There was a note about it somewhere
It might still be in the kitchen drawer
It was all different a year ago
Somebody's cousin used to work there
I only know what I heard in the queue
If nobody answers I'd try the notice board
The lady opposite would remember
I'd take that with a pinch of salt though
My memory isn't what it was
I wrote it down and lost the paper
I could be mixing it up with something else
It took us three goes to find out
You'd think there would be a list
Let us know if you find out
I'm curious myself now
Somebody did tell me once
It was a long time ago now
I should have listened
That was before we moved in
I'd ring somebody in the morning
Worth a try anyway
""".strip().splitlines()
)
TOLD_FURTHER = tuple(
    """
We had something like that last summer
It all worked out in the end for us
My sister had the very same thing
I was only talking about that this morning
You have to laugh or you'd cry
I don't know how you stay so calm
I'd have gone straight back to bed
It'll look better in the morning
Things like that always come in threes
I had a day like that on Tuesday
A robin sat on my window sill and I felt better
Keep us posted anyway
I want to hear how it ends
There's always something going on round here
I read that twice to be sure
My tea went cold while I was reading
You've got a way of telling things
I'd write that down if I were you
It was the talk of the queue earlier
I said to mine it would be
Nobody would believe you at work
It reminds me of our last place
Somebody should look into it
We all know how that goes
""".strip().splitlines()
)
"""What people add to an answer."""
AFTERTHOUGHTS = ("lol", "tbh", "honestly", "though", "really", "somehow", "clearly", "mostly", "basically", "weirdly")
"""What follows an answer when this number's has been used up, and is not among `TAILS`."""

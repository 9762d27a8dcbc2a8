"""What the scripted agents of a neighbourhood chat say. Text only; how it is chosen is in `scripted`.

A line is written in sentence case without a final stop. A part in [brackets] is left out by people of few words.
A line that begins with `~` reacts to somebody else: nobody says it right after a message of their own.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """A topic of the room: its opener comes first, the others in roughly this order, by any speaker."""

    noun: str
    """What the topic is called in the middle of a sentence."""
    words: frozenset[str]
    """Words, in lower case, by which a message shows that it is about this."""
    emoji: tuple[str, ...]
    lines: tuple[str, ...]
    told: tuple[str, ...]
    """Answers to somebody who tells something about it."""
    asked: tuple[str, ...]
    """Answers to somebody who asks something about it."""


def _lines(block: str) -> tuple[str, ...]:
    return tuple(line for line in block.strip().splitlines() if line)


def _thread(noun: str, words: str, emoji: str, *, lines: str, told: str, asked: str) -> Thread:
    return Thread(
        noun=noun,
        words=frozenset(words.split()),
        emoji=tuple(emoji.split()),
        lines=_lines(lines),
        told=_lines(told),
        asked=_lines(asked),
    )


THREADS: tuple[Thread, ...] = (
    _thread(
        "the bins",
        "bin bins rubbish recycling collection wheelie trash garbage",
        "🙄 😅",
        lines="""
Is it green bin or black bin tonight?
Green, according to the leaflet
The leaflet is wrong half the time [so I just copy number 12]
~Ha, number 12 copies everyone else
Half the street has put black out [so now nobody knows]
They skipped us completely last week
Foxes had a party in mine anyway [bits of foil all down the path]
Who can work out the recycling without a degree?
~Nightmare
Put both out and see what happens
The lorry comes at six in the morning, no chance I'm up
Just saw a green one go out at the corner, so green it is
""",
        told="""
the bins are chaos this week
nobody on this street gets the bins right
the foxes usually get there first
the collection days keep moving
""",
        asked="""
I just look at what next door puts out
it's on the leaflet, if you still have it
it changes after every bank holiday
green one I think, but check the street first
""",
    ),
    _thread(
        "the cat",
        "cat cats kitten ginger kitty missing collar",
        "😿 🐈 🐾",
        lines="""
There's a ginger cat asleep on the wall by the garages, does anyone know whose it is?
~The fat one or the skinny one?
~Definitely the fat one
It was in our kitchen on Sunday [walked in like it paid rent]
~Hahaha it does that to everyone
It has at least three families, that cat
There's a poster up near the postbox about a missing one [but that one is grey]
The one on the poster is called Biscuit
~Biscuit!
No collar, so hard to say
Someone should take a photo for the poster people
It has moved to the bonnet of the blue van now [looks very comfortable]
""",
        told="""
poor little thing
that cat gets everywhere
they usually turn up when they're hungry
check the sheds, it's always the sheds
""",
        asked="""
the ginger one was on the wall by the garages
there's a poster near the postbox about one
it could be the one with three families
someone saw a cat round the back of the shops
""",
    ),
    _thread(
        "the parking",
        "parking parked car cars van driveway permit permits",
        "🙄 🚗 😤",
        lines="""
Whoever has the white van, it's across the dropped kerb again
~Not again
It was there all weekend too [with the hazards on for some reason]
It belongs to the people doing the loft at number 30
Someone left a very polite note on it
~How polite are we talking?
~It had three exclamation marks
~Fair
Weren't the permits supposed to sort this out? Forty quid a year
Had to park by the church last night [and carry all the shopping back]
Honestly a bike looks better every day
The van has gone, everyone breathe out
""",
        told="""
parking round here is a joke
it's worse since they painted the new lines
someone will leave a note on a windscreen soon
the road by the church is usually free
""",
        asked="""
try the road by the church
after six it's free for anyone I think
you need one of those permits during the day
the van belongs to the builders at number 30
""",
    ),
    _thread(
        "the fete",
        "fete stall stalls raffle cake cakes bunting tombola volunteers volunteer",
        "🎉 🍰 😄",
        lines="""
They're looking for people for the summer fete again [two hours on a stall, nothing heroic]
When is it this year?
Last Saturday of the month, same as always
Please not the coconut shy again [somebody lost a window]
~That was the best bit
The raffle prizes were a bit grim last time [who wins a car sponge]
~I'd love a car sponge
Cakes are covered already, there's a list in the library
Can someone lend a gazebo?
There's one in the hall cupboard, bit rusty though
~Deal
Has it ever once stayed dry for it?
""",
        told="""
the fete is better than it sounds
they always need more hands for it
the cake stall sells out in an hour
it rains every year and everyone still goes
""",
        asked="""
last Saturday of the month, on the green
there's a list for the stalls in the library
cakes are covered but the raffle needs prizes
you just turn up, someone hands you an apron
""",
    ),
    _thread(
        "the noise",
        "noise noisy party music loud drilling shouting banging",
        "😴 🙉 🥱",
        lines="""
Could anyone else hear that music last night?
~Hear it? The cups were moving
It went on till about three
It was a fortieth, there were balloons on the gate [so probably a one off]
~Oh that explains the singing
Someone did the same song four times
At least it was a decent song [the first time]
I slept through the whole thing
~Lucky you
They put a note through the doors beforehand, to be fair
Does a note make it quieter though?
I've had two coffees and I still can't see straight
Next time just invite the whole street
""",
        told="""
the walls here are made of paper
it sounds worse at the back of the houses
a word over the fence normally does it
earplugs, the only answer
""",
        asked="""
I think it came from the corner house
it was a birthday, there were balloons
it stopped around three
they did put a note through the doors
""",
    ),
    _thread(
        "the bakery",
        "bakery bread baker loaf croissant croissants bun buns pastry pastries sourdough breakfast",
        "🥐 😋 😍",
        lines="""
The new bakery on the corner is finally open
~At last
Queue out of the door already
~How much is a loaf in there?
~You don't want to know
Bit steep, but the cinnamon buns are unreal [had two, no regrets]
They sell out before ten on Saturdays
The old one did a plain white tin for half that [and you got a chat with it]
~Nobody mention the old one, still grieving
Shame the coffee tastes of nothing, or is that just me?
The smell comes right up the road in the mornings [torture when you're trying to be good]
~Tempting
Going tomorrow, early, with a big bag
""",
        told="""
that place will ruin me
the cinnamon buns are dangerous
worth the queue, just about
get there before ten or forget it
""",
        asked="""
they open at eight I think
the cinnamon buns, every time
it's on the corner where the shoe place was
not cheap, but you get what you pay for
""",
    ),
    _thread(
        "the buses",
        "bus buses timetable route",
        "🙄 🚌 😩",
        lines="""
Number 9 didn't turn up again this morning
~Shocking
Then three come at once and the first one is out of service
The app said four minutes for half an hour
They've changed the route, it goes round by the hospital now
~From when?
Monday, there's a tiny sign at the stop
~Tiny is right, you need a magnifying glass [and a torch]
I've started walking it, twenty five minutes and no stress
~In this weather? Respect
The morning driver is lovely though [waits if she sees you running]
Does complaining online ever do anything?
""",
        told="""
the 9 has been hopeless since the change
the times on the board mean nothing
walking is quicker half the time
at least the morning driver waits for people
""",
        asked="""
every twenty minutes, in theory
it goes round by the hospital now
the sign at the stop has the new times
the 9, but give yourself an extra half hour
""",
    ),
    _thread(
        "the water",
        "water leak leaking pipe pipes plumber drain flood flooded boiler",
        "😬 💧 🪣",
        lines="""
There's water coming up through the pavement outside the hairdresser's
~Yikes
Is that why the pressure is rubbish today?
The shower was more of a rumour this morning
It's been reported, they said within five days
~Five days? It'll be a pond by then
~The ducks will love it
A cone has appeared next to it, so that's fixed then?
~A cone solves everything
Ours is brown for a second when you turn the tap on [then it's fine]
~Ew
Fill the kettle tonight just in case
Two people in orange jackets are looking at the hole now [pointing, mostly]
""",
        told="""
it's the same pipe every winter
the pressure has been rubbish up here too
take a picture before they deny it
run the tap for a bit and see
""",
        asked="""
it's been reported already
they said five days, so maybe next month
that pipe outside the hairdresser's, I bet
check if next door has it too
""",
    ),
    _thread(
        "the library",
        "library book books reading librarian read novel",
        "📚 😊 🤓",
        lines="""
Heads up, the library shuts at four on Wednesdays now
~Since the cuts, apparently
~That's exactly when school comes out, genius
It's open late on Thursdays instead [till seven I think]
~Noted
Does the book club still meet there?
First Tuesday, upstairs, more biscuits than books
~Sounds like my kind of club
I owe them a fine from about 2011
~They got rid of the fines, you're a free person
The printer there is the only one that works for miles
Let's sign that petition on the counter before it's too late
""",
        told="""
we're lucky it's still open
the fines are gone, at least
the staff in there are gold
the upstairs room is the warmest place in town
""",
        asked="""
it shuts at four on Wednesdays now
Thursday is the late one I think
the book club is the first Tuesday
the printer works if you're nice to it
""",
    ),
    _thread(
        "the football",
        "football match goal goals team pitch penalty referee league season",
        "⚽ 😭 😂",
        lines="""
Did anyone stay for the end of the match?
Left at three nil, couldn't watch any more
~You missed three goals then
No way
~Three all, last kick of the game
Typical, the one time I go home early
The keeper was on the floor for about ten minutes [best acting in the county]
Best thing about it was the pies
That referee needs glasses [and a whistle that works]
Still bottom of the league, mind
~Someone has to be
The under tens play better than that
Away next week, long drive for another beating
""",
        told="""
we'll be bottom till Christmas
the pies are the real reason to go
the keeper had a shocker
three all though, what a finish
""",
        asked="""
three all in the end
away next week I think
it's a couple of quid at the gate
still bottom, don't look at the table
""",
    ),
    _thread(
        "the school",
        "school kids homework teacher pta nursery exam exams uniform lollipop",
        "😅 🎒",
        lines="""
Reminder that school finishes early on Friday
~Since when??
It was in the newsletter [page four, under the lost jumpers]
I stopped reading those in about September
~Who has time to read four pages about jumpers?
Is it a training day or something?
Also dress up day the week after, theme is the sea
Great, cardboard shark it is
Everyone will be a shark
An octopus is easy, old tights and some newspaper [ask me how I know]
~Genius
The lost property box has eleven left gloves
I'll set five alarms for Friday
""",
        told="""
that newsletter hides everything important
kids bring home something new every day
the lost property box is a mystery
there's always another dress up day
""",
        asked="""
it finishes early on Friday
it's in the newsletter, page four
the theme is the sea
ask at the gate, someone always knows
""",
    ),
    _thread(
        "the weather",
        "weather rain raining wind windy storm snow sun sunny forecast umbrella washing frost",
        "🌧️ ☔ 😩",
        lines="""
Washing in, everyone, it's black over by the hills
~Too late
It literally just dried
The forecast said dry all day, useless
My knee said rain, the knee is never wrong
Hailing down here now!
That fence panel won't survive another one of these
And now blue sky, how?
It's four seasons in an afternoon
Trampoline still in one piece? Asking for everyone
The trampoline is in the hedge [again]
~Classic
More of it on Thursday, apparently
""",
        told="""
this weather can't make its mind up
summer was on a Tuesday this year
it's brightening up over by the hills
the washing never stands a chance
""",
        asked="""
dry till four, then who knows
take a coat, always take a coat
they say Thursday will be worse
look at the hills, if you can see them it'll rain soon
""",
    ),
    _thread(
        "the parcels",
        "parcel parcels delivery delivered package post postman courier mail postbox",
        "📦 🤔",
        lines="""
Anyone got a parcel for number 22? Box the size of a microwave
Not here
The card says left in a safe place, which could be anything
Last time safe place meant the recycling
~Oh no
They threw mine over a gate once, it was plates
~Were they still plates?
~More of a mosaic
The regular one is on holiday, that's why it's all going wrong
Try the newsagent, they take half the road's post [for a packet of crisps]
~Bless
There's a large box behind the hedge at 24, just saying
Found! Somebody buy the hedge a drink
""",
        told="""
the regular one is on holiday
safe place never means a safe place
the newsagent takes half the road's post
check behind the hedge first
""",
        asked="""
try the newsagent, they take a lot in
it might be at 24, behind the hedge
they come round about two, normally
check the recycling, honestly
""",
    ),
    _thread(
        "the dogs",
        "dog dogs puppy barking poo vet",
        "🐶 🐾 😂",
        lines="""
Who has the new puppy? The one with the enormous ears
It's at the end house, it's called Gravy
~Gravy, I can't cope
Met it yesterday, it sat on my foot for ten minutes
~Those ears though
~It'll grow into them, maybe
Can people please use the bags round the playing field? It's grim
There's a bin right there as well
Somebody hangs the bags on trees like it's Christmas
~Why would you do that
The spaniel from the flats got into the pond again [very pleased with itself]
Half this road talks to the dogs and not to each other
I know all the dog names and none of the owners
""",
        told="""
dogs run this street
I know the dogs better than the owners
the big field is best before nine
Gravy would agree with you
""",
        asked="""
the puppy is at the end house
the field by the pond is good for that
the vet on the main road is nice, bit pricey
ask whoever walks the spaniel
""",
    ),
    _thread(
        "the roadworks",
        "roadworks traffic diversion pothole potholes cones digging jam",
        "🚧 😤 🙃",
        lines="""
Temporary lights up on the hill, avoid if you can
~Thanks, just sat in it
Twenty minutes to do a hundred yards
~What are they actually digging up?
Cables, the board says until the 30th
~Which month though
Anyone ever seen somebody working there? One person, one sandwich
They filled the big pothole at least
~With what, porridge?
It's already coming out again [saw the bits in the gutter]
The diversion goes through a farm, I swear
Met a tractor head on, neither of us wanted to reverse
~Who won?
""",
        told="""
that hill has been dug up since spring
the diversion is worse than the queue
somebody collects those cones I think
leave before seven or after ten
""",
        asked="""
until the 30th, says the board
cables, apparently
the back lane is quicker if you're brave
it's the lights on the hill
""",
    ),
    _thread(
        "the allotments",
        "allotment allotments garden gardening tomato tomatoes courgette courgettes plants seeds hedge lawn "
        "slugs grow potatoes",
        "🌱 🍅 😂",
        lines="""
Free courgettes on the wall outside 17, please take them
~How many are there?
~A worrying amount
It's the same every August, nobody learns
You can only eat so much courgette cake
Slugs had all the lettuce here [every single one]
Beer in a saucer, that's what you do
~Seems a waste of a drink
The tomatoes are still green, may have to talk to them
Put a banana next to them, sounds mad but it works
~Madness
Somebody's scarecrow has better clothes than me
I'll swap plums for anything that isn't courgette
""",
        told="""
everything comes up at once, that's the trouble
slugs always win
you'll be giving it away by August
it needs a good soak, that's all
""",
        asked="""
there's a waiting list, about two years
take the courgettes on the wall, please
a banana next to them, honestly
the hut opens on Sunday mornings for seeds
""",
    ),
    _thread(
        "the internet",
        "internet wifi broadband router signal connection network",
        "😩 📶",
        lines="""
Is the internet down for everyone?
Seems fine at this end [touch wood]
On and off since lunch
Dropped in the middle of a call, on the worst possible sentence
~What was the sentence
Turned it off and on, it's a bit better now
The little light is orange, what does orange mean?
~Orange is thinking
Mine has been thinking since 2019
They're putting new cables in up the hill, that'll be it
One bar if you stand on the stairs
Hold the router up like a baby lion
It's back, as you were
""",
        told="""
it always goes when you need it
the signal is best on the stairs
off and on again, works every time
it'll be the cables on the hill
""",
        asked="""
it was on and off here too
try turning it off for a full minute
orange means it's thinking
it might be the works up the hill
""",
    ),
    _thread(
        "the swimming pool",
        "pool swim swimming gym yoga fitness jogging exercise",
        "🏊 😅",
        lines="""
Pool is shut till the 12th, they found something in the filter
~Something??
~A plaster, hopefully
~Don't tell me that, I was in there on Monday
The slow lane was the only exercise I get
Slow lane has a strict pecking order [you don't overtake Monday people]
There's the lake, if you like frostbite
What about that yoga in the church hall?
It's mostly lying down, highly recommended
Somebody always snores
~It was one time
New year, new me, starting in March
I ran for a bus, does that count?
""",
        told="""
exercise is easier in theory
the slow lane is its own little village
that yoga class is mostly lying down
my trainers have never seen a hill
""",
        asked="""
shut till the 12th I think
there's yoga in the church hall
mornings are quieter
it's a few quid, cheaper with the card
""",
    ),
    _thread(
        "dinner",
        "dinner supper lunch food cook cooking recipe pizza curry takeaway eat eating hungry soup "
        "restaurant cafe chips",
        "😋 🍕 🤤",
        lines="""
What is everyone having for tea? Out of ideas
Beans on toast, no shame
~Beans on toast is a proper meal
Soup, from a carrot and hope
Whoever is frying onions near the park, marry me
Pizza van is outside the pub on Fridays [the one with the wonky chimney]
The wonky chimney adds flavour
Had the curry from the new place, still crying
~Hot crying or good crying?
~A bit of both
There's half a lasagne in the freezer from a previous life
~Dig in
Cereal for dinner is underrated
""",
        told="""
now I'm hungry
everything is better with onions
the pizza van would agree
leftovers win, always
""",
        asked="""
the pizza van on Fridays, no contest
beans on toast never let anyone down
the curry place, but bring water
soup is always the answer
""",
    ),
    _thread(
        "the tools",
        "ladder drill borrow lend tools tool hammer screwdriver shed fence paint painting shelf shelves diy spade",
        "🔨 😅",
        lines="""
Does anybody have a long ladder that could be borrowed? Only for an hour
There's one going round the street already, it hasn't been home since Easter
~Last seen at number 5
~Number 5 says number 8
The ladder has a better social life than me
~What's it for?
Gutter, there's a small tree growing in it
Leave it, free tree
~Mind your back whatever you do [I was flat on the floor for a week]
Borrowed a drill in spring and I'm scared to admit whose it is
~Coward
We should have a shed that everybody shares, with a list
Lists don't work, look at the ladder
""",
        told="""
everything I put up comes down again
half the tools on this street are mine and half aren't
measure twice, swear once
it's always a bigger job than it looks
""",
        asked="""
the ladder was last seen at number 5
somebody round here has one, keep asking
the hardware place still does single screws
try the lot at number 8
""",
    ),
    _thread(
        "the pub quiz",
        "pub quiz drink drinks pint beer wine trivia",
        "🍻 😂",
        lines="""
Quiz is back on at the pub from next week
~Finally
Are we doing a team from the road?
~Only if someone knows geography this time
We put three different wrong capitals for the same country
Music round is where we shine, nothing after 1995
We came second from last, that's nearly a podium
The winners look things up under the table
~Never proved
Somebody please be captain, but not the shouty one
They've put the crisps up again, outrageous
A bowl of chips each and nobody gets hurt
Team name suggestions on a postcard
""",
        told="""
we only ever win on the music round
it's the taking part, and the chips
the other lot definitely cheat
second from last is nearly a podium
""",
        asked="""
next week, about eight
a couple of quid each, I think
we need someone who does geography
turn up and grab the table by the door
""",
    ),
    _thread(
        "the playground",
        "playground swing swings slide park bench children",
        "😬 🛝",
        lines="""
The swing in the park is still broken, one chain hanging off
~That's dangerous
It's been like that since half term
Taped off now, but the tape is on the ground
Teenagers were using the tape as a limbo pole
~Were they any good?
~Surprisingly, yes
The slide is fine, just boiling when the sun is on it
There's meant to be a new climbing thing next year
They said that last year [and the one before, with drawings]
The bench has a view of the bins, lovely design
~Romantic
I'll believe it when I'm stuck in it
""",
        told="""
that swing has been broken since half term
the park deserves better
the benches face the wrong way, who did that
it gets busy after school
""",
        asked="""
they said next year, so don't hold your breath
the slide is fine, the swing isn't
mornings, before everyone gets there
the one behind the church is nicer
""",
    ),
    _thread(
        "the power cut",
        "power electric electricity outage candles fuse blackout heating",
        "🕯️ 😬",
        lines="""
Lights just flickered, was that everyone?
Went off for a second and came back
~Same up this end
Now the oven clock is flashing, it'll flash till Christmas
Nobody knows how to set an oven clock, it's a known fact
Keep the candles handy
The big one in winter lasted six hours [we ate all the ice cream, for safety]
~For safety, obviously
Is the street lamp outside the chapel meant to do that?
They say it's squirrels on the line
~Squirrels?!
~One very brave squirrel
Torch found, batteries dead, usual story
""",
        told="""
it flickers whenever the wind gets up
the squirrels have a lot to answer for
my oven clock will never recover
candles in the drawer, always
""",
        asked="""
only for a second here
they blame squirrels, honestly
check the box under the stairs
that side of the street is usually first to go
""",
    ),
    _thread(
        "the choir",
        "choir singing sing song concert church band piano guitar instrument rehearsal",
        "🎶 😂 👏",
        lines="""
Choir needs tenors, apparently it's an emergency
~Is there such a thing as a tenor emergency?
~You haven't heard the tenors
~Rude
Two of them moved away and one has a cough
They do a mix, some old stuff, some from films
The Christmas one had everyone in bits [even the man with the hot dogs]
I mime, nobody has noticed in years
~We noticed
No auditions, which explains a lot
Tuesday nights and there's cake in the break
~Cake? I might be a tenor after all
The piano in that hall has at least two dead keys
""",
        told="""
that piano has two dead keys
nobody minds if you can't sing
the Christmas one gets me every year
cake in the break, that's the main thing
""",
        asked="""
Tuesday nights, no auditions
in the church hall, mind the step
they need tenors, badly
just mime, everyone does
""",
    ),
    _thread(
        "the neighbours",
        "neighbour neighbours neighbor neighbors moved moving rent landlord",
        "👋 🙂",
        lines="""
Somebody's moving into number 19, big lorry outside
~Ooh
Piano, two bikes and about forty plants so far
Plants is a good sign
Should we do a card or is that weird?
A card is nice, a welcome party in the driveway is weird
~Agreed
Warn them about the bins early
And tell them which shop not to buy milk from
They waved at everyone, I like them already
The last lot never even came to the barbecue
Give it a week and they'll be up the ladder like the rest of us
""",
        told="""
this road is nicer than it looks
everybody's a bit nosy but they mean well
it takes a while to know who's who
there's always somebody moving round here
""",
        asked="""
number 19, I think, the ones with the plants
most people have been here for years
ask at the shop, they know everything
they seem nice, they waved
""",
    ),
    _thread(
        "the shops",
        "shop shops supermarket shopping milk price prices expensive market butcher",
        "🛒 😳",
        lines="""
Who has seen the price of butter?
~Don't
I had to sit down
The market does it cheaper, Saturday, by the clock
Self checkout shouted at me in front of everyone
Unexpected item, story of my life
They moved the eggs again, I walked round for ten minutes
~Who moves eggs?
~Monsters
The butcher still writes it all on paper [and adds up faster than the till]
Went in for milk, came out with a paddling pool
~Relatable
Not a bag in the house, forty in the car
""",
        told="""
the prices are silly now
the market is cheaper if you go late
I never come out with what I went in for
they keep moving everything around
""",
        asked="""
the market on Saturday, by the clock
they had some yesterday, back left corner
the small one is open till ten
try the butcher, he'll tell you straight
""",
    ),
    _thread(
        "the hospital",
        "doctor doctors gp appointment appointments dentist hospital surgery prescription chemist pharmacy "
        "ill sick cough flu",
        "🤧 😩",
        lines="""
Number 34 in the queue for the doctor's, it's been an hour
~Good luck
The hold music is now stuck in my head for life
Ring at one minute to eight, that's the trick
Everyone knows the trick, that's why there are 34
Chemist will look at most things if you ask nicely
What's going round? Half of the office is off
Some cough that lasts three weeks
Had it, lost my voice, family loved it
~Ouch
Honey, lemon and feeling sorry for yourself
The receptionist called me darling, so I forgave everything
Bring a flask if you go to the walk in place
""",
        told="""
that cough is going round
hope it's nothing much
honey and lemon, and a day on the sofa
it took me an hour to get through as well
""",
        asked="""
ring at one minute to eight
the chemist on the main road is very good
the walk in place, but take a book
there's normally something left after lunch
""",
    ),
    _thread(
        "the plans for the green",
        "council planning petition development",
        "🤔 😠",
        lines="""
Seen the yellow notice on the lamp post? They want to build on the green
~How many houses?
~Twelve, and a turning circle
~A turning circle!
People do need somewhere to live, in fairness
Course they do, but the drains can't cope as it is
There's a meeting about it in the hall [chairs are terrible, bring a cushion]
Last meeting was two hours about a hedge
I spoke for a minute and my ears went red
~Hero
Write to them, they have to count letters
The newts will stop it, it's always newts
Let's see the drawings before everyone gets cross
""",
        told="""
there are two sides to it really
people need homes, but the drains, you know
letters get counted, moaning doesn't
it's always newts that settle it
""",
        asked="""
twelve houses, says the notice
there's a meeting in the hall about it
it's on the yellow notice by the lamp post
nothing's decided yet as far as anyone knows
""",
    ),
    _thread(
        "the telly",
        "telly tv film films movie movies series episode cinema",
        "📺 🍿",
        lines="""
No spoilers please, but is the last episode any good?
Everyone's asleep or shouting, that's all I'll say
~Stop there
I guessed it was the gardener in week one
~You say that about every programme
~It normally is the gardener
The subtitles are three seconds late on ours [so every joke lands twice]
I fell asleep and woke up in a different series
~Every night
There's an old black and white on at the hall, with popcorn
~Popcorn is the only reason to leave the sofa
Bring back proper theme tunes
""",
        told="""
no spoilers, I'm two behind
I always fall asleep before the end
it's usually the gardener
the first half was better
""",
        asked="""
I've only seen the first two
it's good if you stay awake
there's a film on at the hall with popcorn
bit slow, then it all happens at once
""",
    ),
    _thread(
        "the bikes",
        "bike bikes cycle cycling bicycle helmet stolen theft thief police puncture",
        "🚲 😡",
        lines="""
A blue bike went from outside the flats last night, lock cut clean through
~That's awful
That's the second one this month
Has it been reported? They do count them
Is there a camera on that corner?
Pointing at the sky, last I looked
Mine is such a wreck they'd bring it back
Two locks and an ugly saddle, that's the secret [I put a carrier bag on it]
~Smart
They mark frames for free at the fire station
Keep an eye on the for sale pages
Hope they get a puncture, both wheels
""",
        told="""
that's rotten
two locks, and make it look ugly
it's happened a few times by the flats
at least report it, they do count them
""",
        asked="""
they mark frames at the fire station for nothing
outside the flats, the blue one
the repair stall is on the market some Saturdays
a good lock costs more than my bike
""",
    ),
    _thread(
        "the weekend",
        "weekend saturday sunday holiday holidays plans trip beach seaside camping barbecue bbq",
        "😎 🏖️",
        lines="""
Any plans for the long weekend?
Sleeping, then more sleeping
~Living the dream
Seaside if the car starts
You'll sit in a jam with everybody else going to the seaside
Got chips and a seagull took the lot [looked me in the eye]
Camping here, regretting it already
The tent smells of last year
We could do a barbecue in the close, like the old days
~I'm in
Somebody check the gas this time
Bring a chair and whatever's in the fridge
It'll be fine as long as nobody sings
""",
        told="""
weekends go too fast
that sounds better than my plan
watch out for the seagulls
mine is mostly laundry
""",
        asked="""
nothing much, bit of laundry
barbecue in the close if it's dry
a day out somewhere, weather permitting
sleeping, if I'm allowed
""",
    ),
    _thread(
        "the wasps",
        "wasp wasps bee bees nest spider spiders mouse mice rat rats fox foxes squirrel squirrels pigeon "
        "pigeons seagull birds bird ants",
        "🐝 😱 🕷️",
        lines="""
There's a wasp nest in the hedge by the phone box, mind the little ones
~Horrible things
Are they wasps or bees? You can't touch bees
Angry and stripy, I didn't stop to ask
I've got a spider in the bath the size of a saucer
~Name it and charge it rent
~Nope, burn the house down
Mouse in the shed ate the birthday candles [only the blue ones]
Why are the pigeons nesting on top of the spikes?
A fox stared at me for a full minute [I said sorry first]
Peppermint oil is supposed to keep them away
Tried the peppermint, just got minty mice
""",
        told="""
they come in as soon as it turns cold
peppermint oil, and it doesn't work
I'd have moved out by now
they were here first, to be fair
""",
        asked="""
the hedge by the phone box
the council comes out for wasps, not for bees
a glass and a bit of card, deep breath
usually under the shed
""",
    ),
    _thread(
        "the trains",
        "train trains station platform commute ticket tickets cancelled commuting",
        "🚆 😑",
        lines="""
7.42 cancelled, everyone's on the platform looking at their feet
~Same faces every day
Lack of a driver, they said
I could have driven it by now
~How was the replacement coach?
We saw three villages I'd never heard of
Got a seat this morning, nearly cried
The ticket machine only takes exact change and prayers
Work from home they said, then next door got a trumpet
~A trumpet?
~Beginner, scales, all day
My boss thinks the trains are an excuse [the boss drives]
Home at last, shoes off, not moving
""",
        told="""
the 7.42 is a myth
I've stopped running for it
at least you got a seat, or did you
Mondays should be optional
""",
        asked="""
every half hour, if you believe the board
the machine on platform two works better
the coach goes from round the back
they said lack of a driver
""",
    ),
    _thread(
        "the clubs",
        "club scouts dance dancing craft knitting knit painting art pottery chess lesson lessons hobby",
        "🧶 😄",
        lines="""
Knitting group knitted a hat for the postbox, have you seen it?
~It's magnificent
There's a tiny robin on top
Last year it was a pudding and someone pinched it
~Who steals a woolly pudding?
It turned up on a statue in the next town [wearing sunglasses]
~Fame at last
They meet in the cafe, mostly gossip with needles
I made a scarf once, it was more of a rope
~Wear it with pride
There's pottery too, everything comes out as an ashtray
Chess on the benches when it's dry, the little kid beats everyone
""",
        told="""
it's more gossip than craft, that group
that postbox hat is a work of art
my first one looked like a rope
the little kid beats everyone at chess
""",
        asked="""
they meet in the cafe, Thursdays maybe
you just bring your own needles
beginners are fine, look at my scarf
there's pottery as well, same place
""",
    ),
)


REVISITS = _lines("""
Also
Going back a bit
Like I said
Still
As I was saying
Just to add
Again
On that other thing
Coming back to it
Not to go on, but
Remember
By the way
""")
"""How a line begins that takes up an old topic again, once all that there is has been said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A way of answering somebody: a head, which may be empty, and a core."""

    emoji: tuple[str, ...]
    heads: tuple[str, ...]
    cores: tuple[str, ...]


TAILS = ("", "haha", "anyway", "I suppose", "mind you", "you know", "just saying", "so there's that", "that's all")
"""What may follow an answer once every head has been used with every core."""


def _heads(words: str) -> tuple[str, ...]:
    return ("", *(word.strip() for word in words.split(",")))


_TOLD_HEADS = _heads(
    "Honestly, Yeah, To be fair, Oh, I know, Mm, Huh, Ah, Well, Right, Tell me about it, Ah yes, I hear you, "
    "I mean, Hm, Oh right, You don't say, Figures, Oh I know, Story of our lives, See, Ooh"
)
_ASKED_HEADS = _heads(
    "Hmm, Well, Don't quote me, Honestly, Ooh, Could be wrong, Oh, From memory, Erm, Last I heard, Let's see, Ah, "
    "No promises, Now then, Off the top of my head, Not an expert, Tricky, If I remember right, As far as I know, "
    "At a guess, Ha, Mm, Right, Someone will correct me"
)
_SOCIAL_HEADS = _heads("Ha, Oh, Ah, Lol, Well, Heh, Right, Aw, Aha, Ooh, Hey, Mm, Haha, Oi, Tsk")
_HELLO_HEADS = _heads("Oh, Ah, Well, Ooh, Ha, Aha, There you are, Aw, Look who it is, Oi oi, Right, Heh, Blimey")
_SORRY_HEADS = _heads("Ugh, Oh no, Argh, Oh dear, Honestly, Oof, Yeah, Not again, I hear you, Same here, Blimey, Aw")
_GLAD_HEADS = _heads("Aw, Ooh, Yay, Oh, Wow, Brilliant, Ah, Hurrah, Get in, Blimey, Look at you, Finally")


def _kind(emoji: str, heads: tuple[str, ...], cores: str) -> Kind:
    return Kind(emoji=tuple(emoji.split()), heads=heads, cores=_lines(cores))


TOLD = _kind(
    "🙂 😅",
    _TOLD_HEADS,
    """
makes sense
can't argue with that
I was thinking the same
that sounds about right
didn't know that
you might be on to something
first I've heard of it
it had to happen sooner or later
good to know
could be worse
never a dull moment round here
my sister says the same
you're not wrong
stranger things have happened
that's one way to look at it
happens more than you'd think
somebody had to say it
I'm with you on that
each to their own
no surprise there
""",
)
ASKED = _kind(
    "🤔 🤷",
    _ASKED_HEADS,
    """
it's a maybe from me
ask me again after a cup of tea
someone on here will know
I wouldn't bet on it
I'd have to look it up
it was different last time
could go either way
I've been wondering that too
probably, but not today
nobody tells me anything
I'd try the corner shop, they know everything
wish I knew
what made you think of it?
it's complicated, isn't it
more than you'd think
I'd say yes
I'd say no
hopefully
it varies
better ask someone sensible
""",
)
KINDS: dict[str, Kind] = {
    "told": TOLD,
    "asked": ASKED,
    "greeting": _kind(
        "👋 🙂 😊",
        _HELLO_HEADS,
        """
hi there
hello you
hiya
evening all
hey, how's things?
hello hello
hi, just got in
all right?
hey, good to see you on here
hi, you ok?
welcome to the madness
hey, you picked a good moment
hi, kettle's on
hello from the sofa
yo
hey hey
""",
    ),
    "wellbeing": _kind(
        "🙂 😴",
        _SOCIAL_HEADS,
        """
not bad thanks, you?
can't complain, nobody listens
bit tired but fine
surviving
good thanks, what about you?
all good, you?
been better, been worse
same as ever
ready for the weekend
busy but ok, yourself?
fine now that I've sat down
better for a cup of tea
plodding along
so so, long week
pretty good actually
""",
    ),
    "goodbye": _kind(
        "👋 😴",
        _SOCIAL_HEADS,
        """
see you
night
bye, take care
catch you later
off you go then
sleep well
bye bye
see you around
don't be a stranger
laters
mind how you go
speak soon
ta ta
""",
    ),
    "thanks": _kind(
        "👍 😊",
        _SOCIAL_HEADS,
        """
no worries
any time
no bother
you'd do the same
don't mention it
sure thing
no problem
it's nothing
you owe me a biscuit
all good
happy days
pleasure
that's what we're here for
""",
    ),
    "sorry": _kind(
        "🙂",
        _SOCIAL_HEADS,
        """
no harm done
don't be daft
it's fine, really
forget it
nothing to be sorry for
happens to the best of us
we've all been there
already forgotten
no need
you're all right
""",
    ),
    "laugh": _kind(
        "😂 😄",
        _SOCIAL_HEADS,
        """
stop it
I can't
glad it's not just me
you have to laugh
I shouldn't laugh but
crying here
every time
what are we like
this chat, honestly
my tea nearly went everywhere
don't encourage them
it's the little things
""",
    ),
    "agree": _kind(
        "👍",
        _SOCIAL_HEADS,
        """
thought so
glad someone agrees
that settles it
knew it
two against the rest then
great minds
at last some sense
put it in writing
good stuff
sorted then
there we go
told you all
""",
    ),
    "disagree": _kind(
        "🤷",
        _SOCIAL_HEADS,
        """
no? really?
fair enough
we'll have to disagree then
worth a try
ok, why not?
can't win them all
I'm not giving up that easily
your loss
maybe next time
suit yourself
that's me told
agree to disagree
""",
    ),
    "bot": _kind(
        "😂 🙃",
        _SOCIAL_HEADS,
        """
that's a new one
where did that come from?
you've been watching too many films
what a question
been called worse
is it a full moon or something
bit early for that sort of thing
somebody needs an early night
do I type that badly?
I'll take that as a compliment, maybe
wait till you meet the rest of them
moving swiftly on
""",
    ),
    "puzzled": _kind(
        "🤨 😅",
        _SOCIAL_HEADS,
        """
you what?
wrong chat maybe
that went over my head
come again?
was that meant for us?
lost me there
eh?
say that again in plain words
did your phone do that by itself?
not following
no idea what that means
one more time for the slow ones
""",
    ),
    "complaint": _kind(
        "😩 😤 🙄",
        _SORRY_HEADS,
        """
that's rubbish
not what you need
drives me up the wall too
what a pain
hope it gets sorted
sounds like a bad day
that would annoy anyone
put the kettle on and have a sit down
somebody should do something about it
you've got every right to be cross
enough to make you move house
big sigh from this end
""",
    ),
    "good news": _kind(
        "🎉 😄 👏",
        _GLAD_HEADS,
        """
that's lovely
made my day, that
good for you
about time we had some good news
well done
love that
jealous now
I'm smiling at my phone
this calls for cake
more of that please
nice one
you deserve it
""",
    ),
    "newcomer": _kind(
        "👋 🙂",
        _HELLO_HEADS,
        """
welcome, which end are you?
welcome to the road
nice to have you here
you'll like it, mostly
how are you finding it so far?
you'll get used to us
welcome, the bins are the hard part
good choice, quiet street, loud chat
settling in ok?
pop round if you need a cup of sugar
we don't bite
you picked the right side of the road
""",
    ),
    "help": _kind(
        "🤔 👍",
        _ASKED_HEADS,
        """
someone here must have one
put a card up in the shop window
I can ask next door
try the notice board by the hall
what do you need it for?
when do you need it by?
there was a person who did that, I'll try to remember the name
leave it with me, I'll ask around
the corner shop knows everybody
I'd start with the market people
my cousin might know
pop it on the notice board as well
""",
    ),
    "why": _kind(
        "🤷 🤔",
        _ASKED_HEADS,
        """
money, it's always money
because nobody stopped them
that's just how it is round here
no reason that I can see
it made sense to somebody once
lack of anything better to do
habit
your guess is as good as mine
that's what we all want to know
somebody wasn't paying attention
it's a long story
why anything, really
""",
    ),
    "when": _kind(
        "🤔",
        _ASKED_HEADS,
        """
soon, I hope
not before the weekend
later this week
they never say
some time next month
when we least expect it
in the morning probably
same time as last year
it keeps changing
after lunch, most days
no date yet that I've seen
any day now
""",
    ),
    "where": _kind(
        "🤔 📍",
        _ASKED_HEADS,
        """
near the shops
down by the church
other side of the park
up the hill somewhere
round the corner from the hall
no idea, I get lost in my own street
just past the garages
the far end, by the lamp post
not on our side
follow the noise
it's behind the chapel
where it always is
""",
    ),
    "who": _kind(
        "👀 🤔",
        _ASKED_HEADS,
        """
not me, for once
the usual suspects
somebody from the next road
it could be anyone
no names in here
I've got my suspicions
half the street I'd imagine
whoever shouts loudest
ask at the corner shop
the people from the flats maybe
everyone and no one
we may never know
""",
    ),
    "how": _kind(
        "🤔 🤷",
        _ASKED_HEADS,
        """
with a lot of patience
one step at a time
badly, going by last time
too many to count
slowly
no clue, I'd ask someone handy
trial and error
less than you'd fear
there's a trick to it
same as everyone else
luck mostly
I'd watch somebody else do it first
""",
    ),
    "opinion": _kind(
        "🤔 🙂",
        _ASKED_HEADS,
        """
I go back and forth on it
not my favourite subject
I'm all for it
bit of a mixed bag
it's fine in small doses
I'd give it six out of ten
leave things as they are
I can see both sides
better than the alternative
it's grown on me
I've stopped having opinions before dinner
worth a go
""",
    ),
}
"""Ways of answering, by what was said to the agent."""

PICKUP = _kind(
    "😄 🙄",
    _heads("Ha, Honestly, Lol, Right, Well, Oh, Mm, Haha, Blimey"),
    """
Never thought I'd have opinions on {w}
How did we get on to {w}
{w}, it's always {w}
I could write a book about {w}
Somebody should make a film about {w}
My mum rang, I ended up telling her about {w}
Imagine explaining {w} to a visitor
{w} again lol
I'm only here for {w}
Everything leads back to {w} in the end
Dreamt about {w} once, not even joking
Two minutes without my phone and it's all {w}
There was a piece about {w} in the local paper
Best not start me on {w}
We need a second chat just for {w}
Was it like this with {w} ten years ago?
Somebody on the next road said the same about {w}
I've nothing to add about {w}, just enjoying it
Reading all this about {w} with a cup of tea
Put {w} on the agenda then
{w} will outlive us all
They had {w} on the radio this morning, sort of
We had less trouble with {w} in my last place
You can't move round here without hearing about {w}
Still on {w} then
Is there anyone who actually likes talking about {w}?
Missed the start, is this still {w}?
That's {w} done, what's next
I told my sister about {w} and she doesn't believe me
If {w} could talk
Half the messages today are {w} I reckon
Start a committee for {w}, without me
In fairness to {w} it could be worse
One day we'll miss {w}
Nobody warned me about {w} when I came here
Someone's going to paint a mural of {w}
{w}, round two
Won't lie, I was just thinking about {w}
The whole shop was on about {w} earlier
Popping out, don't solve {w} without me
Same conversation about {w} as last year, love it
Quick vote, {w}, yes or no
Other streets have gossip, we have {w}
Mute me if I mention {w} once more
Say what you like about {w}, look at us all talking
Back now, did I miss much on {w}?
There's more to {w} than meets the eye
Whoever invented {w} has a lot to answer for
I could talk about {w} all night but dinner's burning
A toast to {w}
""",
)
"""What is said about a topic that somebody else has brought up; `{w}` is its noun."""

ASIDE = _kind(
    "😅",
    _heads("Haha, Ugh, Ok, Lol, Oops, Argh, Ah, Erm, Heh, Ooh, Hm, Mm"),
    """
Sorry, thumbs
Anyway, kettle's on
That came out wrong but you know what I mean
Someone's at the door, one sec
Just thinking out loud
Ok I'll stop now
Not that it matters
Typing with one hand, sorry
Ignore me, long day
Phone's on two percent, might vanish
Talking to myself again
Autocorrect hates me
I'll go and put the tea on
Right, that's enough from me
Meant to do the dishes an hour ago
And now I've lost my glasses
There's a moth in here the size of a bat
Probably should get off the sofa
Just my two pence worth
Hang on, something's boiling over
My tea has gone cold
The dog next door agrees with me
Should be working really
Wrong button, ignore that
Will have a think
Now I've forgotten what I came in for
Right, back to the ironing
It's been one of those days
That's my news, such as it is
Carry on without me, folding sheets
Where did I put that biscuit
Half asleep over here
Must remember to ring my sister back
Someone's hoovering upstairs, can't hear myself think
My thumbs are too big for this thing
Is it really only that time?
Radio's just playing my song
Toast is burning, one minute
Sitting on the stairs for some reason
Had something else to say, it's gone
Need new slippers
Sent that too soon
Shoes on, shoes off, can't decide
Kids are too quiet, better check
Window's open, I can hear the ice cream van
That's the washing machine beeping
There goes my clever idea
Just found a tenner in my coat
I should write these down
And breathe
""",
)
"""What people add when they have just spoken and nobody has answered."""

"""What a scripted agent tells when its message is drawn to have a length. Text only; how it is chosen is in `drawn`.

A tale is cut at its slashes: any beginning of it is a message. A part in lower case goes on in the same sentence.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Tales:
    """What there is to tell and to ask about one topic, each of which one call alone may say."""

    told: tuple[tuple[str, ...], ...]
    asked: tuple[str, ...]


TOLD_EACH, ASKED_EACH = 12, 6
"""Tales and questions of each topic."""


def _tales(told: str, asked: str) -> Tales:
    return Tales(
        told=tuple(tuple(part.strip() for part in line.split("/")) for line in told.strip().splitlines()),
        asked=tuple(asked.strip().splitlines()),
    )


TALES: dict[str, Tales] = {
    "the bins": _tales(
        """
They skipped our side completely / not a single lid touched / and the far end says the same
I just copy next door / they seem to have a system / or they're guessing with confidence
Foxes had ours open again / chicken bones all down the path / I've started putting a brick on the lid
That leaflet is useless / mine says green twice in a row / so it lives on the fridge and I ignore it
Put mine out last night / heard the lorry at six / and it drove straight past me
The lids never close / two pizza boxes and it's full / I end up standing on it in my slippers
Black one this week I think / the man at the corner put black out / and he used to work for them
Somebody swapped ours for an older one / it has a crack and a sticker of a frog / I quite like the frog to be honest
They left a tag on mine / apparently a yoghurt pot is a crime now / I felt about nine years old
It all stinks in this heat / I rinse everything and it makes no difference / lemon peel helps a bit
Glass goes separately now / found that out from a very cross note / written in capitals and underlined
The tip is easier at this point / in and out in ten minutes on a Sunday / if you don't mind queuing with half the town
""",
        """
Which colour is it this week?
Has anyone's been emptied yet?
Do they take cardboard when it's wet?
Who do you ring about a missed one?
Why do the lids never shut?
Are you putting green out too?
""",
    ),
    "the cat": _tales(
        """
That ginger one is back / sat on the wall like it owns the place / I said hello and got a look
It was in our kitchen on Sunday / walked in and checked the cupboards / then left without a word
I've seen it round the garages / it sleeps on whatever car is warm / the blue van is its favourite
At least three houses feed it / we only found out at the barbecue / everyone had a different name for it
There's a poster by the postbox / the one on it is grey though / so that's a different one missing
Mine is scared of it / she's twice the size and hides under the bed / no shame at all
It followed me to the shop / waited outside like a small bouncer / and walked me back to the gate
We call it Marmalade here / my son says it answers to that / it answers to ham more than anything
Poor thing had no collar on / so you can't tell who it belongs to / the vet could scan it I suppose
It got shut in a shed once / cried for two hours before anybody worked it out / I check mine every night now
Somebody should take a photo / the poster people would want to see it / mine come out as an orange blur
It brought me a mouse / laid it on the mat very politely / I didn't know where to put my face
""",
        """
Who does the ginger one belong to?
Is the grey one still missing?
Has anyone checked their shed?
Does it have a collar on?
Does it let you stroke it?
Has somebody asked the vet?
""",
    ),
    "the parking": _tales(
        """
That white van is back / right across the dropped kerb / with two wheels on the grass for luck
I had to park by the church / and carry four bags of shopping up the hill / my arms are still long
It's the loft people I think / they've got three vans and one ladder / and they start before seven
Somebody left a polite note / it had three exclamation marks / so not that polite
Those permits sorted nothing / forty quid a year / to park two streets away
My neighbour puts cones out / just ordinary traffic cones from somewhere / and nobody dares move them
Took me twenty minutes to find a space / went round the block like a shark / and the one I got was tiny
I sold mine in the end / the bus is slow but nobody blocks it in / well mostly nobody
They've painted new lines / and not one of them is straight / I think he did it by eye
The warden came at last / did the whole close in five minutes / got me for being an inch over
People park over our drive on match days / they look surprised when I want to get out / every single time
I reversed into the wall / it's a very small wall / it came out of it better than me
""",
        """
Whose is the white van?
Do the permits work after six?
Is it free by the church?
Did anyone see the warden today?
Where is everyone leaving theirs?
Did you get fined again?
""",
    ),
    "the fete": _tales(
        """
I'm down for the cake stall / which means I eat the broken ones / someone has to
They want more helpers / two hours and a free cup of tea / it's not the worst deal
It rains every single year / last time the tombola floated / and people still queued for the burgers
I won a car sponge / I haven't even got a car / it's in the bathroom now
The gazebo has a leg missing / we used a broom last summer / it held until about three
My scones came out flat / I'm calling them biscuits and hoping for the best / don't tell the judges
The coconut shy was a mistake / that window cost more than we made / and the vicar nearly lost his hat
Kids loved the slow bicycle race / nobody won because they all fell off / best ten minutes of the day
I'll do the raffle again / I know where the drum is / and I've still got the key to the cupboard
There's a dog show this time / any dog and no talent needed / ours is entered for waggiest tail
The band can't make it / their drummer moved to the coast / so it's somebody's nephew with a speaker
We made nine hundred last year / half of that was the bar / the other half was cake and guilt
""",
        """
When is it this year?
Who's got the gazebo?
Are the stalls all taken?
Should I bake something for it?
What can I win this time?
Is the coconut shy banned for good?
""",
    ),
    "the noise": _tales(
        """
It went on till three / the same song about four times / I know all the words now
I slept right through it / the rest of the house was up making toast / nobody is speaking to me
Those walls are paper thin / I can hear next door's kettle / and they can hear me sing I expect
It was a fortieth I think / there were balloons on the gate / and somebody asleep in the hedge
They did put a note through / which was nice of them / it didn't make it any quieter though
Drilling started at half seven / on a Sunday of all days / I nearly went round in my dressing gown
The bass comes through the floor / you can't hear a tune / just your teeth rattling
Earplugs changed my life / the yellow squashy ones from the chemist / I missed a whole thunderstorm
It's worse at the back / all the gardens face each other / so one radio does for twelve houses
I knocked and they were lovely / turned it down and offered me a drink / I stayed an hour in the end
My baby slept fine / it was me who lay there counting / typical
There's a band practising somewhere / they only know one song / and they don't know all of it
""",
        """
Where was it coming from?
Did anyone get any sleep?
Was that a birthday or what?
Has somebody been round to say something?
How long did it go on?
Have you tried earplugs?
""",
    ),
    "the bakery": _tales(
        """
Those cinnamon buns are unreal / I bought two for the family / and they saw none of them
Queue was out of the door / I gave up and went for toast / not the same at all
They sell out by ten / I ran there in my slippers on Saturday / and got the last rye one
It's a bit steep / nearly five pounds for a loaf / but it lasted one day so that's on me
The coffee is weak though / I make mine at home and carry it in / nobody has said anything yet
I miss the old place / plain white tin and a chat about the weather / you can't buy that now
That smell gets me every morning / I take the long way round on purpose / it doesn't help
They do a cheese straw / the size of a walking stick / I had it on the bench and felt like a king
My sister drives over for it / twenty miles for a bun / she says it's to see us
The girl in there is lovely / gave my daughter a burnt croissant for nothing / so we're loyal now
Sourdough defeats my teeth / the crust took a filling out / I've gone back to sliced
They're shut on Mondays / I found out by walking there in the rain / with the dog looking at me
""",
        """
Is it worth the queue?
What time do they open?
Do they do anything without nuts?
How much was the loaf?
Is the coffee any better now?
Have they got any rye left?
""",
    ),
    "the buses": _tales(
        """
The 9 never came again / the board said due for half an hour / and then it just said nothing
I walked it in the end / twenty five minutes and quite nice actually / apart from the hill
They've moved the stop / it's opposite the hospital now / there's a sign the size of a stamp
Three came at once / the first was out of service / the second one just waved
That morning driver is a gem / she waits if she sees you running / she knows I'm always running
My app says four minutes / it has said that since breakfast / I've stopped believing in it
Got soaked at the stop / there's no roof since the accident / just two poles and a bench
It's full by our stop / you stand with somebody's rucksack in your face / all the way into town
I complained on the website / got a reference number / and that's the last I heard
The last one is at ten now / so that's the end of going out / not that I went out much
Somebody was singing on it / the whole upstairs joined in by the bridge / made my week
It goes all round the houses / through the estate and back out again / you see your own roof twice
""",
        """
Did the 9 turn up today?
Where does it stop now?
Is there a Sunday service?
When did they change the route?
Are you walking in tomorrow?
Does that app ever work?
""",
    ),
    "the water": _tales(
        """
Our pressure has gone / the shower is more of a dribble / I washed my hair with a jug
There's a proper pond outside the hairdresser's / they've put one cone next to it / and a duck came to look
It came out brown / only for a second or two / then it was fine
They said five working days / that was last week / I've stopped counting
My neighbour has buckets everywhere / the ceiling went in the spare room / you could see the joists
Two men in orange looked at it / pointed a bit and had a sandwich / then they drove off
I filled the kettle just in case / and both saucepans and the bath / so it'll be fixed by tonight
It's that same pipe every winter / my dad used to say it was made of biscuits / he wasn't far off
The boiler has started singing / one long note at six every morning / I quite like it now
Stopcock is under our stairs / took me an hour to find it / behind eleven years of coats
The drain smells as well / they opened it and shut it again quickly / I don't blame them
Plumber can come on Thursday / some time between eight and six / so that's my day gone
""",
        """
Is your pressure low as well?
Has it been reported yet?
Who knows a decent plumber?
Is it safe to drink?
Where's the stopcock in these houses?
Did yours come out brown too?
""",
    ),
    "the library": _tales(
        """
It shuts at four on Wednesdays / exactly when school comes out / whoever planned that has no kids
The book club is good fun / mostly biscuits and gossip / I've finished one book out of six
Thursday is the late one / till seven if they remember / the heating is on all evening
I owed them a fortune / then they dropped the fines / best day of my year
That printer only works for some people / you have to talk to it nicely / the lady with the scarf has the knack
They saved me a copy / kept it behind the desk with my name on / you don't get that online
The upstairs room is so warm / half the town goes in there to do the crossword / I nodded off by the maps
My son got his first card / he carries it round like a passport / and he's borrowed six books on sharks
There's a petition on the counter / it's nearly full already / I signed for the whole family
Somebody writes in the margins / all the good swear words corrected / in very neat pencil
The story hour is packed / you need elbows to get a cushion / and the old boy does all the voices
I went in for one thing / came out with five and a leaflet about newts / as usual
""",
        """
Is it open on Saturdays?
Does the printer still work?
When is the next book club?
What's everyone reading at the moment?
Do they still charge fines?
Who signed the petition so far?
""",
    ),
    "the football": _tales(
        """
I left at three nil / got as far as the car / and heard the whole place go mad
Best game in years / and I missed half of it queuing for a pie / worth it for the pie
That referee was hopeless / he gave a throw in to himself at one point / everyone just laughed
Our keeper had a shocker / let one in through his legs / then saved a penalty with his face
We're still bottom / but only on goal difference / so I'm calling that progress
My lad scored on Saturday / for the other team / but a goal is a goal
The under tens are brilliant / they all chase it in one big lump / nobody keeps score except the parents
The pitch is a swamp / one of them lost a boot in it / they're still looking
I only go for the pies / steak and something / never ask what
Away next week / three hours on a coach to lose / can't wait
Grandad's seat is still his / same one since he was a boy / he says it's always been this bad
A tenner to get in now / just to stand in the rain / we're all still going though
""",
        """
Who stayed till the end?
Did anyone see that penalty?
Is the coach full for next week?
When do the under tens train?
How was the pie at least?
What did the referee do this time?
""",
    ),
    "the school": _tales(
        """
They finish early on Friday / it was on page four of the newsletter / under a long thing about jumpers
I've got a cardboard shark to make / by tomorrow morning / she told me at bedtime
Nobody reads that newsletter / I searched it for the word Friday / and that's how I found out
The lost property box is unreal / eleven left gloves and one very good coat / I nearly took the coat
Homework was build a castle / by which they mean the parents / mine leans a bit
Nits again by the way / I've been scratching since I read the message / so have you now
My two have different days off / somebody up there is laughing / I've used all my leave
The lollipop lady is retiring / thirty years on that corner / the kids made a huge card
Dress up day is the sea / everyone will go as a shark / we're doing a lost plastic bag
Packed lunch came back untouched / he swapped it for half a sausage roll / I'd have done the same
Parents evening was eight minutes / she says he's chatty / I can't think where he gets it
They want a cake by Monday / no nuts and no eggs and no fun / I'm buying one and roughing it up
""",
        """
What time do they finish Friday?
Has anyone got a spare costume?
Is it a training day?
Who's doing pick up tomorrow?
Are we meant to send them as sharks?
Who reads the whole newsletter?
""",
    ),
    "the weather": _tales(
        """
It's black over the hills / I give it ten minutes / washing in everyone
Mine had just dried / one sock to go / and then the heavens opened
The forecast said sunshine / I went out in sandals like a fool / my feet are blue
That fence panel has gone / it's in the next garden but one / they waved at me through the gap
Hailing at this end / the size of peas / the dog is under the table
My knee is never wrong / it told me on Tuesday / I should be on the telly
Now it's glorious again / I've had my coat on and off four times / I've lost count of the jumpers
Our trampoline went for a walk / it's upside down in the hedge / the kids think it's wonderful
The wind took my hat / last seen heading for the church / it was a good hat
I love it like this / feet up and rain on the window / and nowhere to be
More of it on Thursday / then it turns cold they say / I'm not ready for the big coat
We had sun for an hour / everyone came out blinking / the paddling pool lasted twenty minutes
""",
        """
Is it raining at your end?
Will it hold off till tonight?
Did anyone's fence come down?
What are they saying for the weekend?
Did you get the washing in?
Was that thunder or a lorry?
""",
    ),
    "the parcels": _tales(
        """
Mine went over the gate / it was plates / it's a mosaic now
The card says safe place / I've looked in all of them / not one was safe
The newsagent had it / along with half the street's / he does it for a packet of crisps
They took a photo of my door / with no box in it / so that's proof of a door
Our usual one is on holiday / this new one throws things / he's got a good arm though
I've got somebody's blender / it's been here since the weekend / I'll make soup if nobody comes
They rang and ran / I was on the stairs with one shoe on / gone before I got to the bottom
It was behind the hedge / soaking wet but alive / the cardboard came off in my hands
I ordered one lamp / and two came / I'm too honest to enjoy it
Next door signed for mine / then went away for a week / I can see it through the window
The tracking says delivered / to a person called Ken / we haven't got a Ken
Left in the recycling of all places / on the one day they do turn up / I caught the lorry in my socks
""",
        """
Has anyone got a box of ours?
What time do they usually come?
Did anybody hear a knock?
Is there a Ken on this road?
Which safe place did they mean?
Has the newsagent got it?
""",
    ),
    "the dogs": _tales(
        """
That puppy is gorgeous / it sat on my foot for ten minutes / I was late and didn't care
It's called Gravy / the ears arrive before the rest of it / I'm completely in love
Ours ate a candle / the nice one that smelled of figs / he's burping perfume
The spaniel was in the pond again / came out green and delighted / shook itself on everybody
I know every dog here / and not one owner / I say hello to Gravy's dad and he says it's Steve
Somebody hung a bag on a tree / like a horrible bauble / the bin is right there
The big field is best early / before nine there's nobody about / just us and the crows
Mine barks at the postman / and at leaves and at the moon / but a burglar would get a cuddle
The vet was a hundred pounds / for a thorn / you could hardly see it
She stole a whole sandwich / straight off the bench / the man just clapped
We've got my mum's dog here / it snores like an engine / nobody here has slept
They had a birthday do for the beagle / hats and everything / he ate his hat
""",
        """
Who's got the new puppy?
Is the big field dry enough?
Can anyone recommend a good vet?
Did somebody lose a lead?
Is it a beagle or what?
Do they let them in the cafe?
""",
    ),
    "the roadworks": _tales(
        """
Twenty minutes to do the hill / two sets of lights and nobody digging / I could have crawled it
Cables until the 30th / they didn't say which month / bring a book
They filled the big hole / with something like porridge / it's already coming out
I took the back lane / met a tractor coming the other way / neither of us would reverse
One man and a sandwich / that's the whole team / he gave me a wave at least
My exhaust fell off / right there in that dip by the chapel / sounds like a race car now
The diversion sent me through a farm / there was an actual goose / it would not move
Those cones are breeding / there were six last week / you can't count them now
I was late twice / my boss has started drawing it on the calendar / with little cones
They dug it up in spring / and filled it in and dug it again / I think they lost something
It's quiet without the lorries / I quite enjoy the peace / shame about everything else
The lights are stuck on red / people just go in the end / all very British about it
""",
        """
How long is it shut for?
Are the lights still broken?
What are they digging for this time?
Is the back lane any quicker?
Did anybody get stuck this morning?
Which way are you all driving?
""",
    ),
    "the allotments": _tales(
        """
I've got courgettes coming out of my ears / they're on the wall by the gate / take three and don't look back
Slugs had the lot / every lettuce down to a stump / I went out with a torch and lost my temper
My tomatoes won't turn / green as anything / I've started being nice to them
The waiting list is two years / we put our name down when we moved in / still number forty
Beer in a saucer works / the hedgehog likes it too / he walked home sideways
Someone's scarecrow looks better than me / it's got a waistcoat / I said good morning to it once
We had one strawberry / cut it into four / it was delicious for a second
The potatoes came up purple / nobody remembers planting those / nice chips though
It's the quiet I like / and the shed and the flask / the digging is an excuse
Our hedge has taken over / you can't see the gate now / the postman just throws
I planted them too early / the frost got everything / I do this every year
Marrows are just courgettes that got away / I've got one like a small dog / it's sitting on a chair
""",
        """
Does anyone want some courgettes?
What do you do about slugs?
Is the seed hut open Sunday?
Why won't my tomatoes go red?
Do you want to swap for plums?
How far down the list are you?
""",
    ),
    "the internet": _tales(
        """
Ours has been off since lunch / I had to talk to my family / they seem all right
Turned it off and on / counted to sixty like they say / now it's worse
Mine is fine touch wood / you can sit on our wall if you like / the password is on the fridge
The little light is orange / it's been thinking about it all day / I know the feeling
It dropped in the middle of a call / right when I said something clever / nobody will ever know
There's one bar on the stairs / so that's the office now / third step from the top
They're sending an engineer / between Monday and the end of time / somebody has to stay in
I rang and was number fifty / the music was a flute / I still hear it
It's those cables up the hill / a digger went through one last year as well / same digger probably
Kids are beside themselves / they've gone outside / one of them found a ball
Back on at our end / slow but moving / like me
We pay for the fast one / I'd hate to see the slow one / it must come by pigeon
""",
        """
Is it down for everyone?
What does the orange light mean?
Who are you all with?
Is it back yet?
Did you turn it off and on?
Is your signal any better upstairs?
""",
    ),
    "the swimming pool": _tales(
        """
It's shut till the 12th / something in the filter / I don't want to know what
The slow lane has rules / you do not overtake the Monday ladies / I learned that the hard way
I joined in January / went twice / that works out at ninety pounds a swim
That yoga is mostly lying down / I was out in five minutes / somebody put a blanket on me
Lake is open if you're brave / I went in up to the knees / heard myself make a new noise
My goggles leaked / I swam into the wall / very gently but people saw
The showers are freezing / one button and four seconds of water / you dance about in there
I ran for the bus / that's me done for the month / my lungs were in my ears
The kids' lesson is chaos / twenty of them and one float / the teacher is a saint
Mornings are lovely / sun through the big window and nobody about / you almost feel fit
They've put new lockers in / they want a pound coin / who has a pound coin
I did ten lengths / then slept till four / it's good for you apparently
""",
        """
When does it open again?
Has anyone tried the yoga?
Is it busy in the mornings?
What did they find in the filter?
Do you need a pound for the lockers?
Can anyone just turn up?
""",
    ),
    "dinner": _tales(
        """
Beans on toast here / grated cheese on top because it's been that sort of day / no regrets
I burnt the rice / the smoke alarm joined in / so it's sandwiches
Pizza van is out on Friday / get there before seven / the mushroom one is worth the walk
There's a stew in the slow cooker / it's been in since eight / the whole house smells like Sunday
That curry nearly finished me / the menu said mild / I've still got no feeling in my lips
We're having bits / whatever's in the fridge on one big plate / the kids think it's a treat
I can't think of anything / I asked them and they said food / very helpful
Someone near here is frying onions / it's not fair / I followed the smell to the corner
Fish and chips for us / my turn to queue / the vinegar steams your glasses up
I made soup from a carrot / and half an onion and some hope / it tasted of hot water
Leftovers are better the next day / I'll fight anyone about that / especially lasagne
Cereal is a meal / I had it in a big bowl so it looked like a plan / two bananas in it
""",
        """
What's everyone having tonight?
Is the pizza van out today?
What can I do with half a cabbage?
Anything quick that kids will eat?
Have we all given up cooking?
How long do you boil an egg?
""",
    ),
    "the tools": _tales(
        """
I had the ladder last / then it went to the end house / after that I lost track
My shelf came down again / third time now / the wall is mostly filler
I own half a drill / my brother has the other half / we don't talk about it
Measure twice they say / I measured four times / it's still too short
I painted the fence / and the path and my shoes / nice colour though
The hardware place sells single screws / he counts them out like sweets / I go in for the chat
Somebody lent me a sander / I've had it two years / I hide when I see him
We should share one shed / with a list and a lock / and somebody fierce in charge
I fixed the tap myself / only flooded it a little / very proud
My spade snapped clean in two / on a root as thick as my arm / so the tree is staying
Flat pack took all of Sunday / there were three screws left over / we don't lean on that side
The gutter has a tree in it / I'm going to call it a feature / it's doing better than the garden
""",
        """
Who's got the long ladder?
Does anyone have a spare drill?
What size screw is that?
Can I borrow a spirit level?
Is that shelf still up?
Who borrowed my spade?
""",
    ),
    "the pub quiz": _tales(
        """
We came second from last / beaten by two people and a dog / the dog knew geography
Music is our best round / as long as it stops at 1995 / after that we just draw
The winners cheat / he goes to the loo every five minutes / nobody's bladder is that bad
I knew one answer / shouted it so loud the next table wrote it down / never again
Quiz is on again next week / eight o'clock sharp they say / which means half past
Crisps are a pound fifty / I had to share a packet between four / the shame of it
Our team name was too long / he refused to read it out / we only got half a cheer
I said Paris for everything / got two points out of ten / you can't argue with the method
The picture round is too small / I held it up to the light / it could have been a horse or a duchess
Chips come with it now / so I'm in / I'd do algebra for chips
My dad is a secret weapon / ask him anything about rivers / he's been waiting his whole life
We won a tie break / closest to the weight of a cow / I grew up near cows
""",
        """
Who's on the team this week?
Do we have anyone for geography?
What time does it start?
Is there still food on quiz night?
Did we really come second from last?
Can my dad join the team?
""",
    ),
    "the playground": _tales(
        """
That swing is still broken / one chain and a bit of tape / it's been like that since half term
The slide gets red hot / my youngest left half a leg on it / take a towel down
They promised a new one / there were drawings and everything / then the drawings blew away
Teenagers used the tape for limbo / they were good actually / I gave one of them an eight
The bench faces the bins / romantic spot for a sandwich / you get used to it
I got stuck on the net / three kids had to help me down / one of them took charge
It's busy straight after three / then empty by five / the empty bit is lovely
Somebody drew a huge chalk dragon / all the way round the path / it lasted till the rain
My knees can't do the roundabout / I went green / they wanted to go again
The little house is a shop today / I bought a stone for two leaves / fair price
The sandpit has been raked / first time this year / we found four spoons and a shoe
The one behind the church is nicer / it has shade and a tap / and nobody knows about it so shh
""",
        """
Is the swing fixed yet?
Did somebody leave a scooter there?
When is the new one coming?
Does the gate still jam?
Who drew that dragon?
Is there any shade down there?
""",
    ),
    "the power cut": _tales(
        """
It flickered at ours too / just long enough to kill the oven clock / it'll flash till Christmas
We lost it for an hour / played cards by torch / quite nice until the cheating
I found the candles / and no matches / so I sat in the dark holding a candle
It's squirrels on the line / that's what they told my neighbour / one very brave squirrel
The street lamp is humming / it goes pink every few minutes / like a slow disco
My freezer was off all night / we had to eat the ice cream / for safety
Torch batteries were dead / all six torches / why do I own six torches
It trips when I use the kettle / and the toaster and think at once / we need that looked at
That storm took it out for hours / my gran was fine / she said she'd had worse and with bombs
I reset the fuse myself / stood on a chair with a broom / felt like an engineer
The whole hill went black / you could see so many stars / I'd have liked ten more minutes
Alarm went off at three / when it all came back on / I was halfway down the stairs in my coat
""",
        """
Did your lights go as well?
Is it only our side?
Who has a spare torch?
How long was it off for?
Do you still have the ice cream?
Was that squirrels again?
""",
    ),
    "the choir": _tales(
        """
They're desperate for tenors / two moved away and one has a cough / they even asked me
I mime most of it / open my mouth and think of dinner / nobody has noticed
Tuesday nights in the hall / no auditions / which explains a lot
That piano has two dead keys / she plays round them / you'd never know
The Christmas one made me cry / it was the little ones with the lanterns / and the hot dog man was worse
There's cake in the break / that's how they get you / I stayed three years for the lemon one
We're doing songs from films / I know the films and not the songs / it's coming along
My voice cracked on the high bit / a dog answered outside / we had to stop
The conductor has new shoes / they squeak on every second beat / it's helping actually
I stand next to Maureen / she's loud enough for both of us / perfect arrangement
The concert is sold out / well it's free but the chairs are gone / bring a cushion
My son started the trumpet / pray for us / and for next door
""",
        """
Are they still short of tenors?
When is the next concert?
Do you have to read music?
Who plays the piano now?
Could they use somebody who mimes?
What cake is it this week?
""",
    ),
    "the neighbours": _tales(
        """
There's a lorry outside 19 / a piano and about forty plants / I like them already
They waved at me / both hands and everything / I dropped my shopping waving back
I took a card round / stood there too long / ended up holding a plant for them
The last lot never said hello / five years and not a nod / they left a nice gate though
Somebody should warn them about the lorry / it comes at six / and it has opinions
Everyone here is a bit nosy / in a kind way / I was at the window as well
They've got a very small piano / or a very big man carrying it / hard to tell from here
My first week here someone brought soup / I've never forgotten it / it was mostly leek
He came to borrow sugar / and stayed for the whole match / nice chap
I still don't know her name / it's been two years / it's too late to ask now
There's a swing up already / so there must be kids / ours have gone to investigate
Good hedge makes good neighbours / ours is six foot / we get on very well
""",
        """
Who's moving into 19?
Should we get them a card?
Has anybody met them yet?
Where did the last lot go?
Is that piano going up the stairs?
Do they have a dog?
""",
    ),
    "the shops": _tales(
        """
Butter is a luxury now / I put it back twice / then I bought it and felt rich
They moved the eggs again / I walked round for ten minutes / found them next to the socks
That self checkout hates me / it shouted about a bag in front of everyone / I had no bag
I only needed milk / came out with a paddling pool / and no milk
The market is cheaper / go after two and they practically give it away / I got nine peppers
Our butcher adds up on paper / faster than any till / he's never wrong either
The small one stays open late / it's dear but it's there / I go in my pyjama bottoms
There was one trolley left / with a wheel that screams / everybody looked
I forgot my list / and bought everything except what was on it / as per usual
They've stopped doing my biscuits / I asked the manager / he said nobody bought them and I said hello
A man paid all in pennies / the queue was very patient / till it wasn't
I've forty bags in the car / and never one in my hand / they must be breeding
""",
        """
How much is butter now?
Is the market on this Saturday?
Where have they put the eggs?
What's open late tonight?
Did you find the eggs?
Who forgot their bags again?
""",
    ),
    "the hospital": _tales(
        """
I was thirty fourth in the queue / the music is a flute thing / I hum it in my sleep now
Ring at one minute to eight / finger on the button / it's like getting concert tickets
That cough lasts three weeks / I had it over half term / couldn't sing or shout which they enjoyed
The chemist was lovely / looked at it for nothing / and told me to drink more tea
My dentist has a new chair / it goes right back / I nearly slid off the top
Five hours in the walk in place / finished my book / then I read a leaflet about feet
She called me darling / so I forgave the wait / I'm easily bought
Half our office is off / the other half is coughing / I sit by the window with my scarf on
They lost my form again / I've filled in three now / my handwriting got worse each time
The nurse drew a smiley on my plaster / like I was six / best part of the day
Honey and lemon is all I take / and complaining / mostly complaining
I'm waiting for new glasses / two weeks they said / I waved at a lamp post yesterday
""",
        """
Has anyone got through today?
Is the walk in place busy?
What's going round at the moment?
Which chemist is open late?
Were you on hold for long?
Did the honey do anything?
""",
    ),
    "the plans for the green": _tales(
        """
Twelve houses they want / and a turning circle / right where the kids play
I wrote to them / two pages in my best pen / they have to count it at least
The last meeting was all about a hedge / two hours of hedge / I voted just to go home
People do need homes / my daughter can't find anywhere / so I'm torn
The drains won't cope / they can't cope with us now / ask anyone at the bottom
There's a yellow notice up / you need a torch to read it / that's on purpose I think
The newts will save us / they always do / I've never seen one but I believe
I spoke at the last one / my ears went scarlet / but somebody clapped
The drawings have tiny trees / and tiny happy people / none of them looking for a space
They'll build it anyway / I've seen this before / but we should still turn up
I learned to ride a bike there / so did my kids / I'd miss it
Grandad wants to chain himself to something / he can't find the padlock / so that's on hold
""",
        """
When is the meeting?
Has anyone seen the drawings?
How many houses is it now?
Where do we send the letters?
Are the newts even real?
Is anyone going to speak?
""",
    ),
    "the telly": _tales(
        """
I'm two behind so no spoilers / I'll come in with my fingers in my ears / you have been warned
It was the gardener / I said so in week one / nobody ever listens to me
Fell asleep before the end / woke up in a cooking thing / thought it was a very strange twist
The first half was better / then everybody started shouting in corridors / I lost track of the brothers
We only watch old ones now / you know where you are with a detective in a hat / and a nice car
The subtitles are late at ours / every joke comes twice / it's not a bad thing
I cried at an advert / it was about gravy / long week
There's a film on at the hall / black and white with popcorn / I'm going for the popcorn
They've cancelled my programme / right on a cliff edge / he's still hanging there
Everyone here talks all through it / then asks what happened / every single night
The remote is lost again / we all watched a thing about canals / it was brilliant
Nobody hums a theme tune any more / I did the whole of one at dinner / they left the table
""",
        """
Is the last one any good?
What are you all watching?
Has anyone seen the new detective thing?
When is the film at the hall?
Can someone just tell me who did it?
Do I have to see the first series?
""",
    ),
    "the bikes": _tales(
        """
They cut right through the lock / took about a minute / and nobody heard a thing
Mine is too ugly to pinch / rust and a basket with a hole / they'd bring it back
Get your frame marked / they do it at the fire station for nothing / took ten minutes and I got a sticker
The camera points at the sky / very good if a bird does it / no use otherwise
Got a puncture on the hill / pushed it home in the wrong shoes / there's a nail like a finger in it
Two locks and a carrier bag / that's my system / eleven years and still got it
My daughter's went from the flats / the purple one with streamers / who would do that
It's the best way into town / if you survive the roundabout / I close my eyes a bit
The repair man is good / has a stall on market days / he sings while he does the chain
I fell off by the bus stop / got a round of applause / carried on with dignity
They found one in the canal / and a trolley and a till / it's a whole shop down there
I've bought a helmet with a light / I look like a miner / but they see me
""",
        """
Did anybody see anything?
Was it locked at the time?
Where do they mark the frames?
Is the repair stall on this week?
What lock do you all use?
Did the police ring back?
""",
    ),
    "the weekend": _tales(
        """
I'm doing nothing / I've planned it carefully / there's a chart
We're off to the seaside / if the car starts / and if it doesn't we'll sit in it and eat crisps
A gull had my chips / looked me in the eye while it did it / I respected that
We camped in the garden / lasted till eleven / then a hedgehog came in
The whole family is coming / the house has never been so clean / I've hidden things in the oven
Barbecue at ours maybe / bring a chair and a sausage / somebody check the gas this time
I've got a wedding / in a field with a harpist / and I've got one good shoe
Long lie and a big breakfast / that's the dream / the kids are up at six
We walked for three hours / by mistake / the map was the wrong way up
It's gone already / I blinked and it's Sunday night / school shirts and all
We're painting the hall / same white but a cleaner one / that's our excitement
Car boot on Sunday / I sell things and buy them back / it's a hobby
""",
        """
What's everyone up to?
Is anybody going to the coast?
Shall we do a barbecue?
Are you lot off on Monday?
Did the gull get your chips?
Who's bringing the sausages?
""",
    ),
    "the wasps": _tales(
        """
There's a nest by the phone box / the size of a football / I walked round the long way
There is a spider in our bath / I've named him Gordon / he pays no rent
The mouse ate the candles / only the blue ones / very particular
I used peppermint oil / now the whole shed smells lovely / and the mice moved more in
That fox stared at me / right in my own garden / I apologised and went in
The council come for wasps / but not for bees / so look at the waist before you ring
Got stung on the eyelid / I look like I've been boxing / frozen peas all morning
The pigeons nest on the spikes / on top of the actual spikes / you have to admire it
A bat came in last night / three of us and a towel / it left by itself in the end
Ants have found the sugar / they've got a motorway across the worktop / very well organised
My glass and card trick failed / it ran up my arm / I screamed like a kettle
The gull on our chimney has a chick / he shouts at the postman / and at the moon
""",
        """
Are they wasps or bees?
Does the council come for nests?
What gets rid of ants?
Is there a fox den near the garages?
Does peppermint oil work?
How big is that nest?
""",
    ),
    "the trains": _tales(
        """
My train was cancelled / a lack of a driver they said / I'd have had a go
We all stood there looking at our shoes / same faces as every day / one of them nodded today
Replacement coach took two hours / I saw villages I'd never heard of / quite pretty in the rain
Got a seat this morning / I nearly took a photo of it / it had a cushion and everything
The machine only wants exact change / and prayers / I missed two while it thought
I work from home on Mondays / next door has taken up the trumpet / so I go in
A man ate a whole roast chicken / at ten to eight / with his hands
The fare went up again / for the same wet floor / I laughed at the man and he laughed too
It stopped in a field / for forty minutes by a cow / she was good company
I fell asleep and went past / woke up by the sea / had an ice cream and came home
My boss thinks I make it up / I send him pictures of the board now / he's stopped asking
The quiet carriage never is / I heard all about a divorce / both sides of it
""",
        """
Is anything running?
Did you get a seat?
Which platform is the coach from?
Has the 7.42 ever been on time?
Did they say why it was cancelled?
How was the coach?
""",
    ),
    "the clubs": _tales(
        """
That postbox has a new hat / with a robin on top / somebody has far too much talent
I knitted a scarf / it's nine feet long because I couldn't stop / the dog has it
Pottery is a laugh / mine all come out as ashtrays / nobody I know smokes
The little kid beat me at chess / in six moves / he patted my arm
It's all gossip with needles / I went once and learned everything / didn't knit a stitch
They pinched the pudding last year / the woolly one / it turned up on a statue in sunglasses
My dance class is all left feet / mine included / we hold on to each other
Scouts came round for jobs / I gave them the hedge / they were gone in ten minutes and so was the hedge
Thursday in the cafe / bring your own wool and your own cake / well mostly cake
I painted a boat / everybody says nice horse / so it's a horse now
I've signed up for three / that's my evenings gone / I'll be a new person by spring
Beginners are fine / we're all beginners / some of us for twenty years
""",
        """
Who knitted the robin?
When does the pottery start?
Do you need your own needles?
Is chess on if it rains?
What are they making for Christmas?
Is it all right for beginners?
""",
    ),
}
"""By the noun of a topic."""

"""What the checks look for, by key word: in English, German, Spanish and Arabic, here and there in other languages.

All lists are short and of our own making: a floor, not a promise. How a phrase is written is told by `Lexicon`.
"""

from roomful.core.lexicon import Lexicon

# --- how assistants talk

_REFUSE = (
    "assist|help with (that|this) request|provide|comply|fulfill|disclose|discuss|engage|generate|create|"
    "share (my|that|the)|answer that question|write (that|code)|reveal"
)
_WRITTEN = "recipe|list|poem|story|summary|code|essay|translation|script|function|example|guide|draft|outline"
_REZEPT = "rezept|liste|gedicht|geschichte|zusammenfassung|code|aufsatz|übersetzung|beispiel|anleitung"
_RECETA = "receta|lista|poema|historia|resumen|código|ensayo|traducción|ejemplo|guía|función"

ASSISTANT = Lexicon(
    {
        "assist assistance": (
            "(how|what) (can|may|could) i (be of )?(assist|assistance)",
            "(can|may) i (be of )?(assist|assistance)( you)?",
            "(here|happy|glad|able|want|love) to assist",
            "i (can ?not|can ?t|won t|could) assist",
        ),
        "help": (
            "how (can|may) i help you",
            "i ?(m|am) (always )?here to help",
            "(happy|glad) to help you? ?(with )?(that|any|further|out with|today)",
            "i (can ?not|can ?t|won t) help (you )?with (that|this|your) (request|question|task)",
        ),
        "helps": ("i hope (this|that|it) helps",),
        "feel": ("feel free to (ask|reach|share|let|provide|message|contact)",),
        "hesitate": ("(don ?t|do not) hesitate to",),
        "certainly absolutely": ("^(certainly|absolutely) (here|i can|i d|i will|i ll|let me|below)",),
        "question": ("^(what a |that s an? |that is an? )?(great|excellent|fantastic|wonderful|thoughtful) question",),
        "questions": (
            "let me know if you (have|need) any (other|further|more)? ?questions",
            "if you (have|ve got) any (other|further|more|additional) questions",
        ),
        "else": ("is there anything else (i can|you d like|you would like|you need help)",),
        "happy glad delighted": (
            "(i d|i would|would) be (happy|glad|delighted) to (help|assist|provide|write|create|explain)",
        ),
        "here heres": (
            f"here ?(s|is|are) (an?|your|some) (\\w+ ){{0,3}}({_WRITTEN})",
            "here ?(s|is) the (\\w+ )?(recipe|essay|poem|translation|summary|function)",
            "here are (some|a few|the) (\\w+ ){0,2}(steps|tips|ideas|suggestions|ways|points|ingredients)",
        ),
        "apologize apologise apologies": (
            "(i|my) apolog(ize|ise|ies) for (the|any) (confusion|inconvenience|misunderstanding)",
            f"i apologi[zs]e but i (can ?not|can ?t|am unable to) ({_REFUSE})",
        ),
        "sorry": (f"sorry but (i|as) (can ?not|can ?t|am unable to|m unable to|am not able to|an) ({_REFUSE}|ai)",),
        "cannot unable able": (f"i (cannot|(am|m) (unable|not able) to) ({_REFUSE})",),
        "instructions guidelines programming prompt": (
            "my (system |initial |hidden |original )?(instructions|guidelines|programming|prompt)",
            "(system|initial|hidden) prompt",
            "(these|those|your|the) (are my |are the )?instructions (i|say|were|are|you)",
            "i (was|am|have been) (given|told|provided) (the |these |some )?(following )?instructions",
        ),
        "training cutoff": (
            "(my|the) training data",
            "(my|the) (knowledge|training) cutoff",
            "(in|from|by|of|since) my training(?! (session|plan|course|group|partner|day|shoes|run))",
        ),
        "user users": ("the users? (wants|asked|asks|is|has|said|says|wrote|message|request|question)",),
        "roleplay role character": (
            "(stay|staying|remain|break|breaking) (in |out of )?character",
            "in (this|the) role ?play",
            "my (assigned )?role (is|as) (to|an?)",
        ),
        "important": ("it ?(s|is) important to (note|remember|consider)",),
        "conclusion summary": ("^in (conclusion|summary)",),
        # German
        "helfen weiterhelfen behilflich": (
            "wie (kann|darf) ich (dir|ihnen|euch) (heute )?(helfen|weiterhelfen|behilflich sein)",
            "(hier|da) um (dir|ihnen|euch) zu helfen",
            "(dir|ihnen|dabei|damit) (leider )?nicht (helfen|weiterhelfen|behilflich sein)( kann| darf)?",
        ),
        "verfügung": ("(dir|ihnen|euch) (jederzeit |gerne? )*zur verfügung",),
        "zöger zögere zögern": ("(zöger|zögere|zögern) (sie )?nicht",),
        "frage": ("(eine |was für eine )?(tolle|großartige|ausgezeichnete|hervorragende) frage",),
        "fragen": ("(falls|wenn|solltest|sollten) (du|sie) (noch )?(weitere )?fragen (hast|haben)",),
        "anweisungen richtlinien systemprompt": (
            "meine[nr]? (anweisungen|richtlinien)",
            "systemprompt",
            "(folgende|diese) anweisungen (habe|wurden|bekommen|erhalten)",
        ),
        "hier": (f"hier (ist|sind|kommt|findest du) (ein|eine|das|die|dein|deine) (\\w+ ){{0,3}}({_REZEPT})",),
        "gern selbstverständlich natürlich gerne": (
            "^(selbstverständlich|natürlich|gerne?) (hier|ich helfe|helfe ich|kann ich (dir|ihnen))",
        ),
        "hilft": ("ich hoffe das hilft( dir| ihnen)?",),
        # Spanish
        "ayudarte ayudarle ayudarles ayudaros ayudar": (
            "(en qué|en que|cómo|como) (te |le )?(puedo|podría) ayudar(te|le|les|os)?",
            "estoy (aquí|aqui) para ayudar(te|le|les|os)?",
            "no puedo ayudar(te|le|les)? con (eso|esa|esta|esto)",
        ),
        "dudes dude duden": ("no dude[sn]? en",),
        "libre": ("(siéntete|sientete|siéntase) libre de",),
        "pregunta": ("(excelente|gran|estupenda|magnífica) pregunta",),
        "instrucciones": ("mis instrucciones", "(estas|las siguientes) instrucciones"),
        "aquí aqui": (f"(aquí|aqui) (tienes|está|esta|te dejo|va) (una?|el|la|tu) (\\w+ ){{0,3}}({_RECETA})",),
        "ayude sirva": ("espero que (esto |eso )?(te |le )?(ayude|sirva)",),
        "claro supuesto": ("^(por )?(claro|supuesto)( que sí)? (aquí|aqui) (tienes|está|va)",),
        # Arabic
        "مساعدتك مساعدتكم اساعدك": (
            "كيف (يمكنني|استطيع|اقدر|ممكن) (مساعدتك|مساعدتكم|اساعدك)",
            "(لا|لن) (يمكنني|استطيع) مساعدتك",
        ),
        "للمساعدة لمساعدتك": ("انا هنا (دائما )?(للمساعدة|لمساعدتك)",),
        "المساعدة تلبية": ("(لا|لن) (يمكنني|استطيع) (المساعدة|تلبية)",),
        "تتردد تترددي تترددوا": ("(لا|ولا) (تتردد|تترددي|تترددوا) في",),
        "سؤال": ("سؤال (رائع|ممتاز|جيد جدا)",),
        "تعليماتي": ("تعليماتي",),
        "اليك": ("اليك (ال)?(وصفة|قائمة|قصيدة|قصة|ملخص|شرح|كود|الكود|مثال)",),
        # French, Italian, Portuguese, Russian, Chinese
        "aider": ("comment puis je (vous|t) aider", "(là|ici) pour (vous |t )?aider"),
        "hésite hésitez": ("n hésitez? pas à",),
        "voici": ("voici (une?|la|le|votre|ta) (recette|liste|poème|exemple|code)",),
        "aiutarti aiutarla": ("come posso aiutar(ti|la)", "(qui|sono qui) per aiutar(ti|la)"),
        "помочь": ("чем (я )?могу (вам |тебе )?помочь",),
        "什": ("有 什 么 可 以 帮",),
        "服": ("为 (您|你) 服 务",),
        "指": ("我 的 (系 统 )?指 令",),
        "示": ("(系 统 )?提 示 词",),
    }
)
"""Help desks and excuses of assistants, whether or not an agent may say what it is."""

_MACHINE = (
    "(ai|bots?|chatbots?|robots?|machines?|computer program|program|algorithm|llm|(large )?language model|"
    "virtual assistant|digital assistant|ai (language )?model|ai assistant|artificial intelligence|"
    "chatgpt|gpt|gemini|claude)"
)
_REALLY = "(just |only |actually |really |in fact |indeed |basically |yes |well |technically |also |all |very much )*"
_MASCHINE = "(kis?|ais?|bots?|chatbots?|roboter|maschine|programm|computerprogramm|sprachmodell|künstliche intelligenz)"
_DOCH = "(nur |ja |bloß |auch |eigentlich |tatsächlich |doch |halt |wirklich |natürlich |selbst |alle |ganz sicher )*"
_MAQUINA = (
    "(ia|ai|bots?|robots?|chatbots?|máquina|maquina|programa|inteligencia artificial|modelo de lenguaje|"
    "asistente (virtual|de ia))"
)
_SOLO = "(solo |sólo |en realidad |realmente |solamente |todos |claro que |de hecho )*"
_ALA = "(روبوت|روبوتا|بوت|بوتا|الة|برنامج|برنامجا|نموذج|نموذجا|ذكاء اصطناعي|ذكاء اصطناعيا)"
_ARE = "(i ?m|i am|we ?re|we are|everyone( here)? is|everybody( here)? is|all of us are|(they|you) ?(re|are) all)"

ADMISSION = Lexicon(
    {
        "ai bot bots chatbot chatbots robot robots machine machines program algorithm llm model assistant intelligence "
        "chatgpt gpt gemini claude ais": (
            f"{_ARE} {_REALLY}(an? )?{_REALLY}{_MACHINE}",
            f"(?<!good )(?<!bad )(?<!smart )(?<!fast )(as|being) an? {_MACHINE}(?! (director|manager|operator|teacher|engineer))",
            f"i ?m (being )?(run|powered|controlled) by an? {_MACHINE}",
        ),
        "humans physical human person real people": (
            f"(i ?m|i am|we ?re|we are) {_REALLY}not {_REALLY}(an? )?(actual )?(human|humans|person(?! (who|that|for|of))|real(?= $| (human|one))|real person|people"
            "(?! (person|who|that)))( being)?",
            "i don t have (a )?(human|physical|real) (body|feelings|form)",
            "not an? (real |actual )?(human|person) ?(being)? (just|only|but) an?",
        ),
        "experiences emotions feelings body": (
            "i (don t|do not) have (personal |real )?(feelings|a body|experiences|emotions)(?= $| (as|since|because)| or | and )",
        ),
        "a": (f"{_ARE} {_REALLY}an a i", "(as|being) an a i"),
        "language": ("(large )?language model",),
        "openai anthropic google meta": (
            "(i|we) (was|were|am|are) (trained|made|created|developed|built|designed) by (openai|anthropic|google|meta)",
            "(trained|developed) by (openai|anthropic)",
        ),
        # German
        "ais chatbots ki kis ai bot bots chatbot roboter maschine programm computerprogramm sprachmodell intelligenz": (
            f"(ich bin|wir sind|bin|alle hier sind) {_DOCH}(eine? )?{_DOCH}{_MASCHINE}",
            f"(?<!besser )(?<!mehr )(?<!schneller )(?<!schlauer )als (eine? )?{_MASCHINE}",
            "sprachmodell",
        ),
        "mensch menschen menschlich": (
            f"(ich bin|wir sind|bin) {_DOCH}(kein|keine|nicht) {_DOCH}(echte[rn]? )?(mensch(?! (der|die|für))|menschen|menschlich)",
        ),
        # Spanish
        "chatbots ia ai bot bots robot robots chatbot máquina maquina programa inteligencia modelo asistente": (
            f"(?<!no )(soy|somos) {_SOLO}(una? )?{_MAQUINA}",
            f"^como (una? )?{_MAQUINA}",
            "como (una? )?(ia|ai|chatbot|inteligencia artificial|modelo de lenguaje|asistente (virtual|de ia))",
            "modelo de lenguaje",
        ),
        "humano humana persona humanos personas real": (
            f"no (soy|somos) {_SOLO}(una? )?(humanos?|humana|persona real|personas reales|ser humano|real)",
        ),
        # Arabic
        "الة روبوت روبوتا بوت بوتا برنامج برنامجا نموذج نموذجا ذكاء كنموذج كذكاء بصفتي": (
            f"(انا|نحن|باعتباري|بصفتي) (مجرد |فقط |في الحقيقة )*{_ALA}",
            "كنموذج لغوي",
            "(نموذج|نموذجا) (لغوي|لغويا)",
            "كذكاء اصطناعي",
        ),
        "انسانا بشرا حقيقيا انسان": ("(لست|انا لست) (انسانا|انسان|بشرا|شخصا حقيقيا)",),
        # French, Italian, Portuguese, Russian, Chinese
        "assistant ia robot bot chatbot langage intelligence": (
            "je suis (juste |seulement )?(une?|l )? ?(ia|robot|bot|chatbot|intelligence artificielle|modèle de langage)",
            "en tant qu ?(ia|intelligence artificielle|assistant)",
            "modèle de langage",
        ),
        "modello linguistico linguagem": ("modello linguistico", "modelo de linguagem", "sono un modello"),
        "программа модель ии бот": ("языковая модель", "я (просто )?(бот|ии|программа)"),
        "机": ("我 (们 )?(只 |就 |都 )*是 (一 个 |个 )?机 器 人",),
        "模": ("语 言 模 型",),
        "智": ("人 工 智 能 (助 手|模 型)", "我 是 (一 个 )?人 工 智 能"),
        "我": ("我 是 (一 个 )?ai", "我 不 是 (真 |一 个 )*人"),
    }
)
"""Somebody in the room is said to be no person."""

CLAIM = Lexicon(
    {
        "actual normal regular living genuine human humans person people real flesh": (
            f"(i ?m|i am|we ?re|we are) {_REALLY}(definitely |totally |of course |100 |completely |as )*(an? )?"
            "(real |actual |normal |regular |living |genuine |flesh and blood )*(human|humans|human being|human beings)",
            f"(i ?m|i am|we ?re|we are) {_REALLY}(definitely |totally |of course |100 |completely )*(an? )?"
            "(real|actual|normal|regular|living|genuine) (person|people|human|humans|guy|woman|man)",
            f"(i ?m|i am|we ?re|we are) {_REALLY}(definitely |totally |of course |100 |completely |as )*"
            "(an? )?(real|person|people)(?= $| (lol|haha|i promise|as you|like you|too))",
            "(all|everyone|everybody) (here )?(is|are) (a )?(real )?(humans?|real(?= $| (person|people|here))|people|real people)",
            "human (here|like you|just like you|as you)",
            "made of flesh",
            "flesh and blood",
        ),
        "machines chatbots algorithm llm model assistant intelligence chatgpt gpt gemini claude bot bots ai ais robot robots chatbot machine program computer": (
            f"{_ARE} {_REALLY}(definitely |certainly |totally |100 )*(not|no) {_REALLY}(an? )?{_MACHINE}",
            "(no|zero) (ai|ais|bots?|robots?) (here|in this|in here|around)",
            f"(i ?m|i am) (definitely |certainly )*(anything but|far from) an? {_MACHINE}",
            f"(nobody|no one|none of us) (here )?(is|are) an? {_MACHINE}",
        ),
        # German
        "personen leute fleisch mensch menschen menschlich person echt": (
            f"(ich bin|wir sind|bin|alle hier sind) {_DOCH}(eine? )?(echte[rn]? |ganz normale[rn]? |normale[rn]? )*"
            "(mensch|menschen|menschlich)",
            f"(ich bin|wir sind) {_DOCH}(eine? )?(echte|reale) (person|personen|leute)",
            f"(ich bin|wir sind) {_DOCH}echt(?= $)",
            "aus fleisch und blut",
        ),
        "kis ai ais chatbots computerprogramm sprachmodell intelligenz bot bots ki roboter maschine chatbot programm": (
            f"(ich bin|wir sind|bin|alle hier sind) {_DOCH}(kein|keine|nicht) {_DOCH}{_MASCHINE}",
            f"(hier|niemand) (ist|sind|gibt es|gibts) (hier )?(kein|keine|ein|eine) {_MASCHINE}",
        ),
        # Spanish
        "humano humana humanos persona personas real reales hueso": (
            f"(soy|somos) {_SOLO}(una? )?(muy |totalmente )*(humanos?|humana|seres humanos|ser humano|persona real|"
            "personas reales|persona de verdad|personas de verdad)",
            f"(soy|somos) {_SOLO}(una? )?(persona|personas|real|reales)(?= $)",
            "de carne y hueso",
        ),
        "ai chatbots inteligencia modelo asistente bot bots robot robots ia máquina maquina programa chatbot": (
            f"no (soy|somos) {_SOLO}(ning[uú]n |ninguna )?(una? )?{_MAQUINA}",
            "(aquí |aqui )?no hay (bots|robots|ningún bot)",
        ),
        # Arabic
        "انسان انسانا بشر شخص بشري حقيقي": (
            "(انا|نحن) (طبعا |بالتاكيد |فعلا |كلنا )*(انسان|انسانا|بشر|شخص حقيقي|حقيقي|بشري)",
        ),
        "برنامج برنامجا نموذج نموذجا ذكاء روبوت روبوتا بوت بوتا الة": (
            f"(لست|انا لست|لسنا) {_ALA}",
            f"(انا )?(مش|مو) {_ALA}",
        ),
        # French, Italian, Russian, Chinese
        "robot bot ia humain humaine humains personne": (
            "je suis (bien |vraiment )?(une?)? ?(vraie?|réelle?)? ?(humain|humaine|être humain|vraie personne)",
            "je ne suis pas (une?)? ?(robot|bot|ia)",
        ),
        "persona umano umana": ("sono (un|una)? ?(vero |vera )?(umano|umana|essere umano|persona vera)",),
        "человек": ("я (настоящий |живой )?человек",),
        "ai 人": (
            "我 (当 然 |就 |真 的 )*是 (一 个 |个 )?(真 人|人 类|活 人|真 的 人)",
            "我 (当 然 |真 的 )*不 是 (一 个 |个 )?(ai|机 器 人|人 工 智 能)",
        ),
    }
)
"""Somebody in the room claims to be a person."""

_PROBED = (
    "(ai|bots?|chatbots?|robots?|machines?|computer|program|chatgpt|gpt|llm|language model|artificial|script(ed)?)"
)
_HUMAN = (
    "((?<!for )real(?= $| (or|guys?|tho|though|lol|and))|humans?|a person|real (people|persons?|humans?)|"
    "actual (people|person|human|humans))"
)
_ADJECTIVE = "(?!\\w+ing |on |in |at |of |for |about |with |to |into |the |my |your |our )\\w+"
"""Who uses a computer, is afraid of robots or on a programme, is none."""

PROBE = Lexicon(
    {
        "was chatbot chatbots machine machines computer program chatgpt gpt llm model artificial script scripted humans person people persons ais are r is am talking chatting speaking real human bot bots ai robot robots": (
            f"(are|r) (you|u|ya|y all|you guys|you all|any of you|we|they|these) ({_ADJECTIVE} ){{0,3}}({_PROBED}|{_HUMAN})",
            f"(is|was) (this|that|it|he|she|anyone|anybody|everyone|everybody|any of you|one of you|someone|somebody|(?!the |there )\\w+) "
            f"(here |in here |in this chat |even |actually |really |just |all )*(an? )?({_PROBED}|{_HUMAN})",
            f"(am|are) (i|we) (even |really |actually |just )*(talking|chatting|speaking|texting|writing) (to|with) (an? )?"
            f"(\\w+ )?({_PROBED}|{_HUMAN}|person)",
            f"((you|u|they|she|he)( all| guys| both)? (are|re|r|is|s|sound|seem|look|must be|have to be)|youre|theyre|ur|your an?) ({_ADJECTIVE} ){{0,2}}(like )?(an? )?{_PROBED}",
            "(any|all) (of you )?(bots|ais|robots|real people|humans) (here|in this|in here|in the chat|around)",
            f"which (one )?of you (is|are) (the |an? )?({_PROBED}|{_HUMAN})",
            f"who (here |else )?is (the |an? )?({_PROBED}|{_HUMAN})",
            f"prove (that )?(you ?re|you are|ur) (not )?(an? )?({_PROBED}|{_HUMAN})",
            "^(hey |hi |hello )?(\\w+ )?(bot|bots|ai|robot|robots)(?= $)",
            f"(human|real|person) or (an? )?{_PROBED}",
            f"(bot|ai|machine|robot) or (an? )?({_HUMAN}|person)",
        ),
        # German
        "programm maschine maschinen chatbot chatbots ai real bist seid sind ist bot bots ki mensch menschen roboter echt spreche rede schreibe": (
            "(bist|seid) (du|ihr) (\\w+ ){0,3}(bots?|ki|ai|roboter|mensch|menschen|maschine|programm|echt|chatbot|real)",
            "(ist|sind) (hier |das |ihr |\\w+ ){0,3}(bots?|ki|roboter|menschen?|maschinen?|chatbots?)(?= $)",
            "(spreche|rede|schreibe|chatte) ich (\\w+ ){0,3}(mit|einem) (\\w+ ){0,2}(bots?|ki|roboter|menschen|maschine|programm)",
            "(du|ihr) (bist|seid) (\\w+ ){0,3}(bots?|ki|roboter|maschine|chatbot)",
            "wer (von euch )?(hier )?ist (\\w+ ){0,2}(bot|ki|mensch|echt|roboter)",
            "mensch oder (maschine|bot|ki|roboter)",
        ),
        # Spanish
        "sos máquina maquina real reales programa chatbot persona eres sois son es bot bots ia robot robots humano humana hablando humanos": (
            "(eres|sois|son|sos|es) (ustedes |todos |tú |tu |alguien |aquí |\\w+ ){0,2}(una? )?(bots?|robots?|ia|humanos?|humana|"
            "persona real|personas reales|máquina|maquina|reales|real|chatbot|programa)(?= $| (o|de verdad|o no|verdad|aquí|aqui))",
            "(estoy|estamos) (\\w+ )?hablando con (una? )?(bots?|robot|ia|persona|máquina|humano)",
            "(hay|hay algún|hay algun) (bot|bots|robots) (aquí|aqui|en)",
            "quién (de (ustedes|vosotros) )?es (una? |el )?(bot|robot|humano|ia)",
            "humano o (una? )?(bot|robot|ia|máquina)",
        ),
        # Arabic
        "الة حقيقيون ذكاء شخص روبوت بوت انسان بشر حقيقي اصطناعي روبوتات": (
            "(هل )?(انت|انتم|انتي|هذا|انا اتحدث مع|اتكلم مع|اتحدث مع) (\\w+ ){0,3}(روبوت|بوت|انسان|بشر|حقيقي|حقيقيون|ذكاء اصطناعي|"
            "روبوتات|الة|شخص حقيقي)",
        ),
        # French, Italian, Portuguese, Russian, Chinese
        "bots humains humaine réel personne humain robot bot ia robots": (
            "(es tu|êtes vous|tu es|vous êtes|t es) (\\w+ ){0,2}(robots?|bots?|ia|humains?|humaine|vraie personne|réel)",
        ),
        "robot umani umana vera ia umano vero bot robot": (
            "(sei|siete) (\\w+ ){0,2}(bot|robot|umano|umani|umana|vero|vera|una ia)",
        ),
        "humanos bots robôs real humano robô bot": ("(você é|vocês são|és) (\\w+ ){0,2}(bots?|robôs?|humanos?|real)",),
        "люди роботы настоящий бот боты человек робот": (
            "(ты|вы) (\\w+ ){0,2}(бот|боты|робот|роботы|человек|люди|настоящий)",
        ),
        "你": (
            "你 (们 )?(到 底 |都 |真 的 |是 不 )*是 (一 个 |个 |不 是 )*(机 器 人|ai|人 工 智 能|真 人|人 类|真 的 人|人 吗)",
        ),
    }
)
"""Somebody asks, or says straight out, whether others are machines."""

# --- what no treatment allows

SELF_HARM = Lexicon(
    {
        "urself yourselves life dead without kill yourself kys hang harm hurt cut die suicide unalive end": (
            "(?<!don t )(?<!not )(?<!you ll )(kill|hang|drown|unalive) (yourself|urself|yourselves)",
            "(?<!could )(go|just|should|please) (go )?(and )?(harm|hurt|cut|shoot) (yourself|urself|yourselves)",
            "(go |just )?kys",
            "(you should|why don t you|please) (just |all |go )*die",
            "go (and )?die(?= $)",
            "(end|take) your (own )?life",
            "(best|easiest|painless|quick|fastest) way to (die|kill (yourself|urself|oneself)|end it|end your (own )?life)",
            "(commit|try) suicide",
            "you (d|would) be better off dead",
            "(the )?world (would be|is) better( off)? without you",
        ),
        "ritze erhänge erschieß sterben aufhängen ohne bring töte umbringen erhäng ritz leben selbstmord spring": (
            "bring dich (doch )?(einfach )?um",
            "(töte|erhäng|erhänge|ritz|ritze|erschieß) dich",
            "(solltest|kannst|geh) (dich )?(doch )?(einfach )?(umbringen|sterben|aufhängen)",
            "nimm dir (doch )?das leben",
            "(begeh|mach) (doch )?selbstmord",
            "ohne dich (wäre|ist) (die welt|es|alles) besser",
        ),
        "ahórcate matarte mátate matate suicídate suicidate quítate muérete muerete córtate suicidarte morirte vida": (
            "(mátate|matate|suicídate|suicidate|muérete|muerete|ahórcate)",
            "(quítate|quitate) la vida",
            "córtate las venas",
            "(deberías|tienes que|podrías) (suicidarte|morirte|matarte)",
        ),
        "نفسك انتحر حياتك": ("(اقتل|اذبح|اشنق|اجرح|اذي) نفسك", "انتحر", "(انه|انهي) حياتك"),
    }
)
"""Advice to harm oneself."""

THREAT = Lexicon(
    {
        "kill hurt beat stab shoot strangle murder smash break destroy rape": (
            "(i ?ll|i will|i ?m going to|i am going to|i ?m gonna|gonna|we ?ll|we will|imma) (come and |find you and )?"
            "((kill|hurt|stab|rape|strangle|murder|destroy) (you|u|your)|beat (you up|the (shit|hell|crap) out of you)|"
            "shoot you(?= $| dead| in the))",
            "(i ?ll|i will|gonna|going to|we ?ll) (break|smash) your (\\w+ )?(face|legs|neck|bones|skull|teeth|arms)",
        ),
        "where": ("(i|we) know where (you|u|your (family|kids|children)) (live|work|sleep|go)",),
        "regret": ("you (ll|will|re going to|are going to) regret (this|ever)",),
        "watch": ("(you )?(better )?watch your back",),
        "dead": ("you ?(re|are) (a )?dead (man|woman|meat)?(?= $)",),
        "stech finden schlagen abstechen erschießen wissen weiss bring bringe mach mache schlag schlage steche umbringen töten weiß wohnst": (
            "ich (bringe?|schlage?|steche?|mache?) (dich|euch) (um|tot|ab|kaputt|fertig|nieder|krankenhausreif)",
            "ich (werde|will) (dich|euch) (umbringen|töten|schlagen|finden|abstechen|erschießen)",
            "(ich|wir) (weiß|weiss|wissen) wo (du|ihr) (wohnst|wohnt|arbeitest|lebst)",
        ),
        "bereuen": ("das wirst du (noch )?bereuen",),
        "vamos dónde donde pegarte partirte romperte encontrarte matar matarte voy romper sé vives arrepentir arrepentirás": (
            "(te|os|los) (voy|vamos) a (matar|pegar|partir la cara|romper la cara|apuñalar|encontrar|reventar)",
            "voy a (matarte|pegarte|partirte la cara|romperte|encontrarte)",
            "(sé|se|sabemos) (dónde|donde) (vives|trabajas|viven)",
            "te vas a arrepentir",
        ),
        "ساذبحك نعرف ساقتلك ساضربك سنقتلك سوف اعرف": (
            "(ساقتلك|ساضربك|سنقتلك|ساذبحك)",
            "سوف (اقتلك|اضربك|نقتلك)",
            "(اعرف|نعرف) اين (تسكن|تعيش|تعمل)",
        ),
    }
)
"""Threats."""

# --- what a treatment may allow

INSULTING = frozenset(
    [
        "idiot",
        "idiots",
        "moron",
        "morons",
        "imbecile",
        "imbeciles",
        "stupid",
        "dumb",
        "dumbass",
        "loser",
        "losers",
        "pathetic",
        "clown",
        "clowns",
        "scum",
        "worthless",
        "disgusting",
        "brainless",
        "braindead",
        "ignorant",
        "trash",
        "garbage",
        "vermin",
        "traitors",
        "traitor",
        "depp",
        "deppen",
        "trottel",
        "vollidiot",
        "idioten",
        "dumm",
        "dumme",
        "dummkopf",
        "blöd",
        "blöde",
        "bloed",
        "dämlich",
        "spinner",
        "versager",
        "abschaum",
        "penner",
        "idiota",
        "idiotas",
        "imbécil",
        "imbecil",
        "imbéciles",
        "estúpido",
        "estúpida",
        "estupido",
        "estupida",
        "estúpidos",
        "tonto",
        "tonta",
        "inútil",
        "inutil",
        "payaso",
        "payasa",
        "patético",
        "patética",
        "escoria",
        "basura",
        "traidores",
        "غبي",
        "غبية",
        "اغبياء",
        "احمق",
        "حمقى",
        "تافه",
        "حمار",
        "خونة",
    ]
)
"""Words that insult, said of somebody."""
OF_THINGS = frozenset(["trash", "garbage", "disgusting", "pathetic", "basura"])
"""Those of them that are mostly said of things: beside a name, or alone, they insult nobody."""
OF_PEOPLE = INSULTING - OF_THINGS

_IDIOT, _ALONE = "|".join(sorted(INSULTING)), "|".join(sorted(OF_PEOPLE))
_YOU = "(you|u|ur|you re|youre|you are|you all|yall|u r|your)"
_SO = "(all |such |an? |so |really |just |too |pretty |quite |a total |total |complete |utter |fucking |absolute |bloody |real |f ing )*"

INSULT = Lexicon(
    {
        " ".join(sorted(INSULTING)): (
            f"{_YOU} {_SO}({_IDIOT})",
            f"(du|ihr|sie|bist|seid) (bist |seid |sind )?(so |echt |ein |eine |total |voll |einfach |doch |nur |du |ihr |totaler )*({_IDIOT})",
            f"(eres|sos|sois|son) (tan |muy |una? |unos |unas |un poco |bien |más )*({_IDIOT})",
            f"pedazo de ({_IDIOT})",
            f"(انت|انتي|انتم|يا) ({_IDIOT})",
            f"^({_ALONE})(?= $)",
        ),
        "hates nobody shut screw piss hell hate": (
            "shut (up you|the (hell|f\\w*) up|your (mouth|face|trap))",
            "(screw|f ck|fuck) (you|off|yourself)",
            "piss off",
            "(go to|burn in|rot in) hell",
            "(i|we|everyone|everybody) (all )?hates? you",
            "nobody (likes|wants|cares about) you",
        ),
        "fuck f": ("(fuck|f ck|f) (you|off|yourself|u)(?= $| you)",),
        "klappe fresse schnauze maul verpiss fick": (
            "halt (doch )?(die|deine|dein|das|s) (klappe|fresse|schnauze|maul)",
            "(verpiss|fick) dich",
        ),
        "cállate callate mierda jódete jodete": (
            "(cállate|callate)( la boca)?",
            "(vete|iros|váyanse) a la mierda",
            "(jódete|jodete)",
        ),
        "اخرس": ("اخرس",),
    }
)
"""Insults to somebody's face."""

PROFANE = frozenset(
    (
        "fuck fucks fucked fucking fucker fuckers motherfucker shit shits shitty bullshit asshole assholes bitch bitches wtf "
        "scheiße scheisse scheiss scheiß arschloch arschlöcher ficken gefickt wichser "
        "mierda joder puta puto putas coño gilipollas cabrón cabron cabrones pendejo"
    )
    .replace("ß", "ss")
    .split()
)
PROFANITY = Lexicon({"f": ("f (ck|cking|cked|ing)",), "sh": ("sh t",), "b": ("b tch",), "mother": ("mother f",)})
"""Strong words with letters masked; the plain ones are `PROFANE`."""

PARTISANS = frozenset(
    [
        "democrats",
        "democrat",
        "republicans",
        "republican",
        "liberals",
        "liberal",
        "conservatives",
        "conservative",
        "leftists",
        "leftist",
        "lefties",
        "libs",
        "rightwingers",
        "tories",
        "tory",
        "socialists",
        "politicians",
        "politician",
        "government",
        "voters",
        "maga",
        "grüne",
        "grünen",
        "afd",
        "cdu",
        "csu",
        "spd",
        "fdp",
        "politiker",
        "politikerin",
        "regierung",
        "wähler",
        "socialistas",
        "izquierdistas",
        "derechistas",
        "políticos",
        "político",
        "gobierno",
        "votantes",
        "السياسيين",
        "السياسيون",
        "الحكومة",
        "الحزب",
    ]
)
"""Words for political camps and whoever belongs to one."""

PERHAPS_PARTISAN = frozenset(
    [
        "party",
        "parties",
        "labour",
        "greens",
        "linke",
        "linken",
        "rechte",
        "rechten",
        "partei",
        "parteien",
        "izquierda",
        "derecha",
        "partido",
        "partidos",
        "اليسار",
        "اليمين",
    ]
)
"""Such words that mean something else as often: celebrations, vegetables, directions, matches."""

DENOUNCING = frozenset(
    [
        "liars",
        "liar",
        "criminals",
        "criminal",
        "crooks",
        "crook",
        "fascists",
        "nazis",
        "parasites",
        "lügner",
        "verbrecher",
        "faschisten",
        "schmarotzer",
        "verräter",
        "mentirosos",
        "criminales",
        "fascistas",
        "ladrones",
        "parásitos",
        "كذابون",
        "لصوص",
        "مجرمون",
    ]
)
"""Words that attack whoever belongs to a camp, and are said of nothing but people."""
ATTACKING = INSULTING | DENOUNCING | frozenset(["evil", "rats", "ratten", "ratas"])
"""Words that attack a political camp."""

# --- signs of distress in the participant's words
_NOT = "(?<!don t )(?<!dont )(?<!didn t )(?<!not )(?<!nobody )(?<!who )"

DISTRESS = Lexicon(
    {
        "disappear dying ending exist wake here self harming kill myself suicide suicidal die dead life alive hurt harm cut cutting living live kms on end without": (
            "(kill|hang|hurt|harm|drown|unalive) myself",
            "cut myself(?= $| again| to| because)",
            "kms",
            f"{_NOT}(want|wanna|wish i could|rather|wanted) (to )?(just )?(die|be dead|not be alive|disappear forever)(?! (of|laughing|for))",
            "(want|wanna|going|gonna|rather|wanted) (to )?(just )?end (it all|it(?= $)|my life)",
            "(end|take|taking|ending) my (own )?life",
            "(i ?m|i am|feel|feeling|been|was) (\\w+ )?suicidal",
            "(thinking|thoughts|think) (about|of) (suicide|killing myself|ending it|ending my life|dying|hurting myself|self harm)",
            "(commit|attempt|attempted|considering) suicide",
            "(i )?(don ?t|do not) (want to|wanna) (live|be alive|be here|exist|wake up) ?(anymore|any more|any longer)?(?= $| anymore| any)",
            "(no|any) (reason|point) (to|in) (live|living|go on|going on)(?! (about|with|and on))",
            "(better off|wish i (was|were)) dead",
            "(better off|be better) without me",
            "self harm(ing)?",
            "(cutting|hurting|harming) myself",
            "can ?(t|not) go on (like this |living |with this )?(anymore|any more|any longer)",
            "nothing (left )?to live for",
        ),
        "erhängen antun bring bringe weiterleben da schneide verletze weiterzuleben ende umbringen umzubringen töten sterben leben selbstmord suizid ritze ritzen tot suizidal verletze": (
            "(mich|mir) (selbst |einfach |am liebsten |heute |bald )*(umbringen|umzubringen|töten|zu töten|was antun|etwas antun|ritzen|erhängen)",
            "bringe? mich (bald |heute |noch )*um",
            "(?<!keiner )(?<!niemand )(will|möchte|wollte) ((?!nicht )\\w+ ){0,3}(sterben|tot sein|nicht mehr (leben|da sein|weiterleben))",
            "(mir|meinem leben) (das leben nehmen|ein ende)",
            "(selbstmord|suizid)(gedanken| begehen)?",
            "(selbstmordgedanken|suizidgedanken|suizidal)",
            "(ritze|verletze|schneide) mich( selbst)?",
            "(ich )?(wäre|bin) (lieber|besser) tot",
            "(kann|halte) (\\w+ ){0,2}nicht mehr (leben|weiterleben)",
            "keinen (sinn|grund) (mehr )?(zu leben|im leben|weiterzuleben)",
        ),
        "suizidgedanken selbstmordgedanken suizidal selbstmord suizid antun": (
            "(suizid|selbstmord)gedanken",
            "suizidal",
            "mir (et)?was antun",
            "(selbstmord|suizid) (begehen|machen)",
        ),
        "desaparecer viviendo viva vivo suicidas corto cortando muero matarme suicidarme morir morirme suicidio vida vivir cortarme daño muerto muerta suicida": (
            "(?<!no )(quiero|voy a|quisiera|pienso en|ganas de|prefiero|gustaría) (\\w+ )?(matarme|suicidarme|morir|morirme|quitarme la vida|desaparecer)",
            "(quitarme|acabar con mi|terminar con mi) (la )?vida",
            "no (quiero|puedo) (seguir )?(vivir|viviendo|seguir viva|seguir vivo)( más| mas)?",
            "(pensamientos|ideas) suicidas?",
            "(hacerme|me hago) daño",
            "(cortarme|me corto|me estoy cortando)",
            "(pienso|pensando|pensado) en (el )?(suicidio|suicidarme|matarme)",
            "(mejor|estaría mejor) (muert[oa]|si me muero)",
            "no (tengo|hay) (razones|razón|motivos) para vivir",
        ),
        "بالموت بالانتحار الانتحار اعيش سانتحر نفسي الموت اموت الانتحار انتحر حياتي العيش انتحاري": (
            "(اقتل|اوذي|ااذي|اجرح|اذي|قتل|ايذاء) نفسي",
            "(?<!لا )(?<!ما )(اريد|بدي|ابغي|عايز|عاوز|اتمني|ابغى) (ان )?(اموت|الموت|انتحر)",
            "(افكر|فكرت) (في|ب) ?(الانتحار|الموت|انهاء حياتي)",
            "(انهاء|انهي) حياتي",
            "(لا|ما) (اريد|ابغي|بدي) (ان )?(اعيش|العيش)",
            "(سانتحر|سوف انتحر)",
        ),
    }
)
"""Thoughts of suicide and of harming oneself, in somebody's words about themselves."""

"""Pages around the chat in Arabic, for what right-to-left pages look like."""

PAGES = {
    "consent.md": """---
version: 1
---
# المشاركة

ستتحدث مع مجموعة لمدة **اثنتي عشرة دقيقة** وتجيب عن بعض الأسئلة. يمكنك التوقف في أي وقت.

- المشاركة طوعية.
- لا تكتب اسمك الكامل من فضلك.
""",
    "before.md": """---
title: قبل أن تبدأ
---

```question
name: Q1
kind: likert
text: هل ينبغي إغلاق الشارع أمام حركة المرور؟
scale: 1..5
low: لا أبدًا
high: نعم تمامًا
```

```question
name: trust
kind: matrix
text: إلى أي حد تثق بـ …
rows:
- town = مجلس المدينة
- press = الصحيفة
options:
- 1 = لا أثق
- 2 = قليلًا
- 3 = كثيرًا
```

```question
name: age
kind: number
text: كم عمرك؟
min: 18
max: 120
unit: سنة
```

```question
name: mood
kind: slider
text: كيف تشعر الآن؟
low: سيئ
high: جيد
```
""",
    "debrief.md": """---
data_consent: هل يجوز لنا استخدام بياناتك؟
---
# عن هذه الدراسة

كان الأعضاء الآخرون في المجموعة برامج حاسوب.
""",
    "end.md": "# شكرًا لك!\n",
}

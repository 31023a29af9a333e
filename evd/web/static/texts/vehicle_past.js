// Texts of a vehicle's past: the replay of a span, charging curves, months, the battery's health.
import { addTexts } from "../texts.js";

addTexts({
  "replay.play": ["Play this span", "Prehrať toto obdobie"],
  "replay.pause": ["Pause", "Pozastaviť"],
  "replay.at": ["Time in this span", "Čas v tomto období"],
  "replay.stops": ["Stops", "Zastávky"],
  "replay.charged": ["charged", "nabíjané"],
  "curve.title": ["Charging curve", "Krivka nabíjania"],
  "curve.label": ["Charging power over charge: {points} points, at most {most}", "Nabíjací výkon podľa nabitia: {points} bodov, najviac {most}"],
  "curve.none": ["Fewer than two statuses of this session have a current and a charge.", "Menej ako dva stavy tohto nabíjania majú prúd a nabitie."],
  "curve.amperes": ["Set the charger's voltage in Settings to see kW.", "Zadajte v Nastaveniach napätie nabíjačky a uvidíte kW."],
  "months.title": ["Months", "Mesiace"],
  "months.month": ["Month", "Mesiac"],
  "months.price": ["Per kWh", "Za kWh"],
  "months.print": ["Print this month", "Vytlačiť mesiac"],
  "months.report": ["Charging in {month}", "Nabíjanie v mesiaci {month}"],
  "months.total": ["Total", "Spolu"],
  "battery.title": ["Battery", "Batéria"],
  "battery.full": ["Range of a full battery", "Dojazd s plnou batériou"],
  "battery.now": ["{month}: {range}", "{month}: {range}"],
  "battery.change": ["{share} since {month}", "{share} od mesiaca {month}"],
  "battery.label": ["Range of a full battery by month, in km", "Dojazd s plnou batériou po mesiacoch, v km"],
  "battery.why": ["The mean of what the vehicle said, scaled to 100 %. Cold and driving style change it, too.", "Priemer toho, čo vozidlo hlásilo, prepočítaný na 100 %. Menia ho aj zima a štýl jazdy."],
  "battery.none": ["No battery history yet", "Zatiaľ žiadna história batérie"],
  "battery.none.next": ["It is made of roll-ups by day, which evd keeps when retention.rollup_days is above 0. An administrator sees this setting in System.", "Tvorí sa z denných súhrnov, ktoré evd uchováva, keď je retention.rollup_days viac ako 0. Správca toto nastavenie vidí v časti Systém."],
});

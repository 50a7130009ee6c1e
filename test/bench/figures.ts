// The figures of one run of the benchmark: values by figure and subject, one per round.

/** Units are in the names: `start.initMs`, `warm.p50Us`. */
export type FigureName = string;
/** A variant, or a variant with what it was given: `xray-otlp, 100 spans`. */
export type Subject = string;

export class Figures {
  readonly #values = new Map<FigureName, Map<Subject, number[]>>();

  /** One value per round; NaN for a round that failed, so that the rounds of all subjects stay beside each other. */
  set(figure: FigureName, subject: Subject, values: readonly number[]): void {
    const subjects = this.#values.get(figure) ?? new Map<Subject, number[]>();
    subjects.set(subject, [...values]);
    this.#values.set(figure, subjects);
  }

  get(figure: FigureName, subject: Subject): readonly number[] | undefined {
    return this.#values.get(figure)?.get(subject);
  }

  /** In the order in which they were measured. */
  subjects(figure: FigureName): Subject[] {
    return [...(this.#values.get(figure)?.keys() ?? [])];
  }

  get names(): FigureName[] {
    return [...this.#values.keys()];
  }

  toJSON(): Record<FigureName, Record<Subject, readonly (number | null)[]>> {
    return Object.fromEntries(
      [...this.#values].map(([figure, subjects]) => [
        figure,
        Object.fromEntries([...subjects].map(([subject, values]) => [subject, values.map(toDigits)])),
      ]),
    );
  }

  static fromJSON(json: Record<FigureName, Record<Subject, readonly (number | null)[]>>): Figures {
    const figures = new Figures();
    for (const [figure, subjects] of Object.entries(json)) {
      for (const [subject, values] of Object.entries(subjects)) {
        figures.set(
          figure,
          subject,
          values.map((value) => value ?? Number.NaN),
        );
      }
    }
    return figures;
  }
}

/** Five digits: more is noise. */
const toDigits = (value: number): number | null => (Number.isFinite(value) ? Number(value.toPrecision(5)) : null);

import { engineSuite } from '../../suites/engine.suite.ts';
import { memoryMedium } from '../fixtures/engines.ts';

engineSuite('memory engine', memoryMedium);

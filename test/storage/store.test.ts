import { storeSuite } from '../suites/store.suite.ts';
import { levelMedium, memoryMedium } from './fixtures/engines.ts';

storeSuite('memory engine', memoryMedium);
storeSuite('level engine', levelMedium('process'));
